//! The classic programs of the cookbook, which lie in `crates/cenote/examples/RECIPE/` beside ours: how they are
//! compiled, into `target/peers/cookbook`.

use std::fs;
use std::path::Path;

use crate::peers::Recipe;

/// These are read as examples: nothing in them may make a compiler wonder.
const C: Recipe = Recipe {
    name: "",
    compiler: "cc",
    flags: &["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"],
    folder: "crates/cenote/examples",
    sources: &[],
    headers: &[],
    modules: &[],
    needs: &[],
    libraries: &["-lrt", "-lpthread"],
};

/// Qt's headers insist on position-independent code; as `-fPIC` it suits every version.
const QT6: Recipe = Recipe {
    compiler: "c++",
    flags: &["-std=c++17", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror"],
    modules: &["Qt6Core", "Qt6Gui"],
    libraries: &[],
    ..C
};

const QT5: Recipe = Recipe { modules: &["Qt5Core", "Qt5Gui"], ..QT6 };

const QT_HELLO: &[&str] = &["qt-hello/classic.cpp"];
const PICTURE: &[&str] = &["picture/classic.cpp"];
const PRODUCER: &[&str] = &["producer-consumer/classic.cpp"];

/// Qt programs are there for both versions; the one without a number in its name has the newer.
pub(crate) const RECIPES: [Recipe; 14] = [
    Recipe { name: "cookbook/qt-hello", sources: QT_HELLO, ..QT6 },
    Recipe { name: "cookbook/qt-hello-qt5", sources: QT_HELLO, ..QT5 },
    Recipe { name: "cookbook/picture", sources: PICTURE, ..QT6 },
    Recipe { name: "cookbook/picture-qt5", sources: PICTURE, ..QT5 },
    Recipe { name: "cookbook/system-v", sources: &["system-v/classic.c"], ..C },
    Recipe { name: "cookbook/mmap-file", sources: &["mmap-file/classic.c"], ..C },
    Recipe { name: "cookbook/mmap-fork", sources: &["mmap-fork/classic.c"], ..C },
    Recipe { name: "cookbook/lockf-children", sources: &["lockf-children/classic.c"], ..C },
    Recipe { name: "cookbook/producer-consumer", sources: PRODUCER, ..QT6 },
    Recipe { name: "cookbook/producer-consumer-qt5", sources: PRODUCER, ..QT5 },
    Recipe { name: "cookbook/message-queue", sources: &["message-queue/classic.c"], ..C },
    Recipe { name: "cookbook/tagged-messages", sources: &["tagged-messages/classic.c"], ..C },
    Recipe { name: "cookbook/mutex-structure", sources: &["mutex-structure/classic.c"], ..C },
    Recipe { name: "cookbook/camera", sources: &["camera/classic.c"], ..C },
];

/// Programs for Windows: MinGW's, which need nothing beside them there.
const WIN32: Recipe = Recipe {
    compiler: "x86_64-w64-mingw32-g++",
    flags: &["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-municode", "-static", "-s"],
    libraries: &[],
    ..C
};

/// The classic programs of the recipes that are for Windows.
pub(crate) const FOR_WINDOWS: [Recipe; 4] = [
    Recipe { name: "cookbook/control-channel.exe", sources: &["control-channel/classic.cpp"], ..WIN32 },
    Recipe { name: "cookbook/copy-data.exe", sources: &["copy-data/classic.cpp"], ..WIN32 },
    Recipe { name: "cookbook/file-mapping.exe", sources: &["file-mapping/classic.cpp"], ..WIN32 },
    Recipe { name: "cookbook/telemetry.exe", sources: &["telemetry/classic.cpp"], ..WIN32 },
];

/// The examples of ours that stand beside them, which Wine cannot build when it needs them.
pub(crate) const EXAMPLES_FOR_WINDOWS: [&str; 4] =
    ["control-channel", "copy-data", "file-mapping", "telemetry"];

/// Makes the folder for them in that of the peers.
pub(crate) fn make_folder(peers: &Path) -> Result<(), String> {
    let folder = peers.join("cookbook");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))
}
