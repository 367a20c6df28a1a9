//! The files of the server that is started when no urls are given.

use deferred_examples::server::Server;

/// Names, sizes and delays of the files.
const FILES: [(&str, u64, u64); 12] = [
    ("apple.txt", 900, 20),
    ("blackberry.txt", 16_000, 150),
    ("cherry.jpg", 120_000, 80),
    ("damson.jpg", 340_000, 40),
    ("elderberry.zip", 1_500_000, 200),
    ("fig.pdf", 64_000, 10),
    ("grape.tar.gz", 5_000_000, 120),
    ("hawthorn.txt", 1, 300),
    ("iyokan.iso", 20_000_000, 60),
    ("jujube.txt", 0, 90),
    ("kumquat.mp4", 8_000_000, 30),
    ("lemon.txt", 4_096, 250),
];

/// The ways to fail: a name and what the server does. Without an entity tag none can be continued.
const FAULTS: [(&str, &str); 4] = [
    ("missing.txt", "status=404"),
    ("cut-short.zip", "size=500000&cut=200000&etag=off"),
    ("reset.zip", "size=500000&reset=100000&etag=off"),
    ("stalled.zip", "size=500000&stall=50000&etag=off"),
];

/// The urls of all files, and of the faults too if wanted.
pub(crate) fn urls(server: &Server, faulty: bool) -> Vec<String> {
    let good = FILES.iter().map(|(name, size, delay)| format!("/{name}?size={size}&delay={delay}"));
    let bad = FAULTS.iter().map(|(name, fault)| format!("/{name}?{fault}"));
    good.chain(bad.take(if faulty { FAULTS.len() } else { 0 })).map(|path| server.url(&path)).collect()
}
