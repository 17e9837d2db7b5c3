//! Pixel formats by what they are made of: `include/uapi/linux/videodev2.h`.

use spec::case::Pixels;

/// `v4l2_fourcc` of the header.
const fn fourcc(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

/// The formats of each sort, those first that a driver is likeliest to have.
const SORTS: &[(Pixels, &[&[u8; 4]])] = &[
    (Pixels::Rgb, &[b"RGB3", b"BGR3", b"RGBP", b"RGBR", b"XR24", b"XB24", b"AR24", b"BX24", b"RGB4", b"BGR4"]),
    (Pixels::PackedYuv, &[b"YUYV", b"UYVY", b"YVYU", b"VYUY"]),
    (Pixels::SemiPlanar, &[b"NV12", b"NV21", b"NV16", b"NV61", b"NV24", b"NV42"]),
    (Pixels::Planar, &[b"YU12", b"YV12", b"422P"]),
    (Pixels::MultiPlanar, &[b"NM12", b"NM21", b"NM16", b"NM61", b"YM12", b"YM21", b"YM16"]),
];

/// The formats of a sort.
pub fn of(sort: Pixels) -> impl Iterator<Item = u32> {
    let formats = SORTS.iter().filter(move |(named, _)| *named == sort);
    formats.flat_map(|(_, names)| names.iter().map(|name| fourcc(name)))
}

/// The sorts that these formats belong to.
pub fn sorts(formats: &[u32]) -> Vec<Pixels> {
    Pixels::ALL.into_iter().filter(|&sort| of(sort).any(|format| formats.contains(&format))).collect()
}

/// A format's name, as `v4l2-ctl` writes it.
pub fn name(format: u32) -> String {
    String::from_utf8_lossy(&format.to_le_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_has_formats_and_no_format_is_of_two() {
        let all: Vec<u32> = Pixels::ALL.into_iter().flat_map(of).collect();
        let once: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len());
        assert!(Pixels::ALL.into_iter().all(|sort| of(sort).next().is_some()));
        assert_eq!(sorts(&[fourcc(b"NV12"), fourcc(b"FWHT")]), [Pixels::SemiPlanar]);
        assert_eq!(name(0x5659_5559), "YUYV");
    }
}
