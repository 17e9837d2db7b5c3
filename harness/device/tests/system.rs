//! What is read of sysfs, from trees captured on real kernels.

mod tree;

use device::System;
use device::system::Node;

fn told(nodes: &[Node]) -> Vec<(&str, &str)> {
    nodes.iter().map(|node| (node.topology.as_str(), node.driver.as_str())).collect()
}

fn cards(system: &System) -> Vec<Node> {
    system.nodes("drm", "card", "dri")
}

fn videos(system: &System) -> Vec<Node> {
    system.nodes("video4linux", "video", "")
}

#[test]
fn cards_on_pci_virtio_and_the_faux_bus_are_called_by_their_driver() {
    let nodes = cards(&System::at(tree::captured("debian-amd64-7.3")));
    let expected = [
        ("faux/vgem", "vgem"),
        ("pci0000:00/0000:00:01.0", "virtio_gpu"),
        ("pci0000:00/0000:00:02.0", "bochs-drm"),
        ("pci0000:00/0000:00:03.0", "cirrus-qemu"),
    ];
    assert_eq!(told(&nodes), expected, "connectors and render nodes are left out");
}

#[test]
fn platform_devices_without_a_driver_are_called_by_their_own_name() {
    let nodes = cards(&System::at(tree::captured("debian-amd64")));
    assert!(told(&nodes).starts_with(&[("pci0000:00/0000:00:01.0", "virtio_gpu")]), "{nodes:?}");
    assert!(told(&nodes).ends_with(&[("platform/vgem", "vgem"), ("platform/vkms", "vkms")]), "{nodes:?}");
}

#[test]
fn video_nodes_come_by_device_then_index_then_what_their_driver_calls_them() {
    let nodes = videos(&System::at(tree::captured("debian-amd64")));
    let rows: Vec<_> =
        nodes.iter().map(|node| (node.driver.as_str(), node.index, node.title.as_str(), node.name.as_str())).collect();
    let expected = [
        ("vicodec", 0, "stateful-encoder", "video8"),
        ("vicodec", 1, "stateful-decoder", "video9"),
        ("vicodec", 2, "stateless-decoder", "video10"),
        ("vim2m", 0, "vim2m", "video7"),
        ("vimc", 0, "Raw Capture 0", "video4"),
        ("vimc", 1, "Raw Capture 1", "video5"),
        ("vimc", 2, "RGB/YUV Capture", "video6"),
        ("vivid", 0, "vivid-000-vid-cap", "video0"),
        ("vivid", 0, "vivid-001-vid-cap", "video1"),
        ("vivid", 0, "vivid-002-vid-cap", "video2"),
        ("vivid", 0, "vivid-003-vid-cap", "video3"),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_order_does_not_depend_on_node_numbers() {
    let pairs = [("card0", "card4"), ("card1", "card2"), ("video0", "video10"), ("video1", "video2")];
    let copy = tree::Copy::exchanged("debian-amd64", &pairs);
    let (before, after) = (System::at(tree::captured("debian-amd64")), copy.system());
    assert_eq!(told(&cards(&before)), told(&cards(&after)));
    let titles = |system: &System| videos(system).into_iter().map(|node| node.title).collect::<Vec<_>>();
    assert_eq!(titles(&before), titles(&after));
    assert_ne!(cards(&before)[0].name, cards(&after)[0].name, "the copy is numbered otherwise");
}

#[test]
fn nodes_that_nothing_else_tells_apart_come_by_number() {
    let copy = tree::Copy::exchanged("debian-amd64", &[("video1", "video10")]);
    for node in ["video0", "video10", "video2", "video3"] {
        let name = copy.root().join("sys/devices/platform/vivid.0/video4linux").join(node).join("name");
        std::fs::write(name, "vivid\n").unwrap();
    }
    let names: Vec<String> =
        videos(&copy.system()).into_iter().filter(|node| node.driver == "vivid").map(|node| node.name).collect();
    assert_eq!(names, ["video0", "video2", "video3", "video10"]);
}

#[test]
fn a_system_without_sysfs_has_no_nodes() {
    let copy = tree::Copy::empty();
    assert_eq!((cards(&copy.system()), copy.system().names("dev")), (vec![], vec![]));
}
