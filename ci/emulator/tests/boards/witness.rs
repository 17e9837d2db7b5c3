//! Other programs beside ours on one board: what they see of a frame, and that nothing of theirs is disturbed.

use serde_json::Value;

use crate::host::Copy;
use crate::recorded::{Recorded, text};

const NAME: &str = "debian-amd64";

/// The board with Debian's own tools.
fn board() -> Copy {
    let tools = "  userland: {suite: bookworm, packages: [v4l-utils, libdrm-tests, drm-info]}\n  qemu:\n";
    Copy::of(NAME, |text| text.replacen("  qemu:\n", tools, 1))
}

/// Sets vivid's first device to frames that v4l2-ctl and we agree on.
const STILL: &str = "v4l2-ctl -d /dev/video0 -i 0 -c osd_text_mode=2 -c test_pattern=4 >/dev/null";

/// Asks for the frame that ours was, by what the witness was told of it.
const THEIRS: &str = "
theirs() {
	set -- $(cat /tmp/told) $1
	size=$2 pixels=$3 to=$4
	v4l2-ctl -d $1 --set-fmt-video=width=${size%x*},height=${size#*x},pixelformat=$pixels \
		--stream-mmap --stream-count=1 --stream-to=$to >/dev/null
}
";

const WITNESS: &str = "
prime-cts run --exact stream.capture.heap-system.v4l2-vivid-cap0 --progress none --output /tmp/a \
	--witness 'cat >/tmp/ours; echo $PRIME_CTS_NODE $PRIME_CTS_FRAMES >/tmp/told' >/dev/null
theirs /tmp/same
cmp /tmp/ours /tmp/same && echo 'the frame is the same'
v4l2-ctl -d /dev/video0 -c test_pattern=0
theirs /tmp/other
cmp /tmp/ours /tmp/other || echo 'another pattern is another frame'
prime-cts run --exact kms.scan-out.heap-system.drm-vkms --progress none --output /tmp/a \
	--witness 'modetest -M vkms -p >/results/modetest; drm_info -j $PRIME_CTS_NODE >/results/drm_info; echo \"shown $PRIME_CTS_FRAMES\"' |
	grep ^shown
";

#[test]
fn other_programs_see_the_same_frame_and_the_same_display() {
    let copy = board();
    let said = copy.shell(NAME, &[STILL, THEIRS, WITNESS].concat()).out.replace('\r', "");
    for wanted in
        ["the frame is the same\n", "another pattern is another frame\n", "shown 128x128 XR24 to 128x128 XR24\n"]
    {
        assert!(said.contains(wanted), "no {wanted:?} in:\n{said}");
    }
    let results = copy.results(NAME);
    let modetest = std::fs::read_to_string(results.join("modetest")).unwrap();
    assert!(modetest.contains("(0,0)\t(128x128)"), "{modetest}");
    let seen: Value = serde_json::from_str(&std::fs::read_to_string(results.join("drm_info")).unwrap()).unwrap();
    let cards = seen.as_object().unwrap().values();
    let planes: Vec<&Value> = cards.flat_map(|card| card["planes"].as_array().unwrap()).collect();
    let shown: Vec<&&Value> = planes.iter().filter(|plane| plane["fb"].is_object()).collect();
    let [plane] = shown[..] else { panic!("{} planes show something:\n{seen}", shown.len()) };
    let fb = &plane["fb"];
    let format = u32::from_le_bytes(*b"XR24");
    assert_eq!([&fb["width"], &fb["height"], &fb["format"]], [128, 128, format], "{fb}");
    assert_eq!(fb["planes"][0]["pitch"], 512, "{fb}");
}

/// A stream, and a display with a master, that belong to someone else.
///
/// Whether the display is theirs yet is read from debugfs: whoever opens a card that has no master becomes it, so that a
/// program that asks could take it from the one that is waited for; and the kernel's own console has a mode of that
/// size, too.
const IN_USE: &str = "
v4l2-ctl -d /dev/video0 --set-fmt-video=width=320,height=180,pixelformat=YUYV >/dev/null
v4l2-ctl -d /dev/video0 --stream-mmap --stream-to=/tmp/stream >/dev/null 2>&1 &
streamer=$!
frames() { echo $(($(wc -c </tmp/stream) / 115200)); }
connector=$(modetest -M vkms -c | awk '$3 == \"connected\" {print $1; exit}')
mkfifo /tmp/hold
exec 3<>/tmp/hold
modetest -M vkms -s $connector:1024x768 <&3 >/dev/null 2>&1 &
state=$(grep -l '^vkms' /sys/kernel/debug/dri/[0-9]/name) state=${state%name}state
until grep -q 'allocated by = modetest' $state; do kill -0 $! || break; done
until [ $(frames) -gt 0 ]; do kill -0 $streamer || break; done
card=/dev/dri/card$(basename ${state%/state})
drm_info -j $card >/tmp/before
prime-cts run stream.capture.heap-system.v4l2-vivid-cap0 kms.scan-out.heap-system.drm-vkms fd.size.heap-system \
	--progress none --output /results
echo \"ours $?\"
drm_info -j $card >/tmp/after
cmp /tmp/before /tmp/after && echo 'the display is as it was'
before=$(frames)
until [ $(frames) -gt $before ]; do kill -0 $streamer || break; done
kill $streamer && echo 'the stream goes on'
wait $streamer
all=$(frames) frame=0
while [ $frame -lt $all ]; do
	dd if=/tmp/stream bs=115200 skip=$frame count=1 2>/dev/null | md5sum
	frame=$((frame + 1))
done | sort | uniq -c >/tmp/sorts
[ $all -gt $before ] && [ $(wc -l </tmp/sorts) = 1 ] && echo 'its frames are all the same'
";

#[test]
fn a_device_in_use_is_blocked_by_who_holds_it_and_not_disturbed() {
    let copy = board();
    let said = copy.shell(NAME, &[STILL, IN_USE].concat()).out.replace('\r', "");
    for wanted in ["ours 0\n", "the display is as it was\n", "the stream goes on\n", "its frames are all the same\n"] {
        assert!(said.contains(wanted), "no {wanted:?} in:\n{said}");
    }
    let recorded = Recorded::read(&copy.results(NAME));
    let blocked = |id: &str, holder: &str| {
        let cell = recorded.events("cell").find(|cell| cell["id"] == id).unwrap();
        assert_eq!(cell["verdict"], "blocked", "{cell}");
        let seen = text(&cell["findings"][0]["seen"]);
        assert!(seen.contains(&format!("{holder} (pid ")), "{seen}");
    };
    blocked("stream.capture.heap-system.v4l2-vivid-cap0", "v4l2-ctl");
    blocked("kms.scan-out.heap-system.drm-vkms", "modetest");
    assert_eq!(recorded.verdicts()["fd.size.heap-system"], "pass");
}
