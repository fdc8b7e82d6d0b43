//! What happens to everybody: it is missing, it is there already, its size is wrong, it is read-only.

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;

use super::{Place, Says, minute, places};

const MISSING: Says = Says { kind: ErrorKind::NotFound, reason: &[], hint: &["cenote ls", "create"] };

#[test]
fn attaching_to_what_is_missing_says_how_to_see_what_there_is() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        MISSING.check("attach", address, Segment::attach(address));
        MISSING.check("attach", address, Segment::options().read_only().attach(address));
        MISSING.check("look at", address, Segment::stat_of(address));
        MISSING.check("remove", address, Segment::remove(address));
    }
    let (posix, qt) = (Place::posix(), Place::qt());
    let files = Says { reason: &["No such file or directory"], ..MISSING };
    files.check("attach", posix.address(), Segment::attach(posix.address()));
    let key_file =
        Says { reason: &["no program has a segment under this key", "/qipc_sharedmemory_"], ..MISSING };
    key_file.check("attach", qt.address(), Segment::attach(qt.address()));
}

#[test]
fn an_id_that_no_segment_has_and_a_file_for_ftok_that_is_missing_are_named() {
    let _watchdog = minute();
    let gone = Says { reason: &["gone"], ..MISSING };
    gone.check("attach", "sysv:id=2147483647", Segment::attach("sysv:id=2147483647"));
    let ids = Says { kind: ErrorKind::KeyError, reason: &["id", "exists"], hint: &["key"] };
    ids.check("create", "sysv:id=2147483647", Segment::create("sysv:id=2147483647", 64));

    let folder = TempDir::new();
    let file = folder.join("missing").display().to_string();
    let address = format!("sysv:{file}#81");
    let no_file = Says { kind: ErrorKind::NotFound, reason: &["ftok", &file], hint: &["file must exist"] };
    no_file.check("attach", &address, Segment::attach(&address));
    no_file.check("create", &address, Segment::create(&address, 64));
}

#[test]
fn creating_in_a_folder_that_is_missing_names_the_folder() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let missing = folder.join("missing").display().to_string();
    let address = format!("file:{missing}/segment");
    // `cenote create` would not help: it is what just failed.
    let says =
        Says { kind: ErrorKind::NotFound, reason: &["No such file or directory"], hint: &["directory"] };
    says.check("create", &address, Segment::create(&address, 64));
    says.check("attach or create", &address, Segment::open_or_create(&address, 64));
}

#[test]
fn creating_what_exists_says_to_attach_or_to_remove() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let _first = Segment::create(address, 64).unwrap();
        let says = Says { kind: ErrorKind::AlreadyExists, reason: &[], hint: &["attach", "cenote rm"] };
        for size in [1, 64, 4 << 20] {
            says.check("create", address, Segment::create(address, size));
        }
        let _ = Segment::remove(address);
    }
}

#[test]
fn a_size_of_0_is_no_size() {
    let _watchdog = minute();
    for place in &places() {
        let says = Says { kind: ErrorKind::InvalidSize, reason: &["size is 0"], hint: &["at least 1 byte"] };
        says.check("create", place.address(), Segment::create(place.address(), 0));
        says.check("attach or create", place.address(), Segment::open_or_create(place.address(), 0));
    }
}

#[test]
fn a_size_beyond_memory_says_how_much_there_is_and_leaves_nothing() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let beyond = (1_u64 << 50).to_string();
        let memory = Says {
            kind: ErrorKind::OutOfResources,
            reason: &[&beyond, "this machine has", "left"],
            hint: &["less"],
        };
        memory.check("create", address, Segment::create(address, 1 << 50));
        for size in [1 << 63, u64::MAX] {
            let says = Says {
                kind: ErrorKind::InvalidSize,
                reason: &[&size.to_string(), "beyond what can be addressed"],
                hint: &["less"],
            };
            says.check("create", address, Segment::create(address, size));
        }
        // More than a process can map: also where nothing is reserved.
        let error = Segment::options().sparse().create(address, 1 << 60).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfResources | ErrorKind::InvalidSize), "{error}");
        MISSING.check("attach", address, Segment::attach(address));
    }
}

#[test]
fn a_qt_segment_that_could_not_be_made_leaves_no_key_files() {
    let _watchdog = minute();
    let place = Place::qt();
    let key = place.address().strip_prefix("qt:").unwrap();
    assert!(Segment::create(place.address(), 1 << 50).is_err());
    for name in [cenote::qt::legacy_segment_name(key), cenote::qt::legacy_semaphore_name(key)] {
        let path = std::env::temp_dir().join(name);
        assert!(!path.exists(), "{} is left", path.display());
    }
}

#[test]
fn a_smaller_one_than_needed_is_told_with_both_sizes() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let _small = Segment::create(address, 64).unwrap();
        let says =
            Says { kind: ErrorKind::InvalidSize, reason: &["64 bytes", "4096"], hint: &["remove it first"] };
        says.check("attach or create", address, Segment::open_or_create(address, 4096));
        let _ = Segment::remove(address);
    }
}

#[test]
fn a_range_that_does_not_fit_is_told_with_the_size() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let segment = Segment::create(address, 64).unwrap();
        let says = Says {
            kind: ErrorKind::InvalidSize,
            reason: &["8 bytes at offset 60", "64 bytes"],
            hint: &["within the size"],
        };
        says.check("write", address, segment.write_at(60, &[0; 8]));
        says.check("read", address, segment.read_to_vec(60..68));
        says.check("fill", address, segment.fill(60..68, 1));
        says.check("view", address, segment.view(60, 8));
        says.check("read", address, segment.read_value::<u64>(60));
        let _ = Segment::remove(address);
    }
}

#[test]
fn writing_through_a_read_only_handle_says_to_attach_read_write() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let writer = Segment::create(address, 64).unwrap();
        let reader = Segment::options().read_only().attach(address).unwrap();
        let says = Says {
            kind: ErrorKind::PermissionDenied,
            reason: &["attached read-only"],
            hint: &["read-write"],
        };
        says.check("write", address, reader.write_at(0, b"no"));
        says.check("write", address, reader.write_value(0, &1_u64));
        says.check("fill", address, reader.fill(.., 1));
        says.check("write", address, writer.copy_to(.., reader.view(0, 64).unwrap()));
        assert!(writer.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0));
        let _ = Segment::remove(address);
    }
}

#[test]
fn a_lock_that_is_held_times_out_and_says_whom_to_look_for() {
    let _watchdog = minute();
    for place in &places() {
        let address = place.address();
        let (one, other) = (Segment::create(address, 64).unwrap(), Segment::attach(address).unwrap());
        let guard = one.lock().unwrap();
        let says =
            Says { kind: ErrorKind::Timeout, reason: &["held the lock"], hint: &["cenote show", "longer"] };
        says.check("lock", address, other.lock_timeout(std::time::Duration::ZERO));
        drop(guard);
        let _ = Segment::remove(address);
    }
}

#[test]
fn a_file_without_a_size_is_not_ready_rather_than_mapped() {
    let _watchdog = minute();
    for place in [Place::posix(), Place::file()] {
        let address = place.address();
        // What a C program has made between shm_open and ftruncate.
        let path = address.replace("posix:/", "/dev/shm/").replace("file:", "");
        std::fs::write(path, "").unwrap();
        let says =
            Says { kind: ErrorKind::InvalidSize, reason: &["no size yet"], hint: &["try again", "remove"] };
        says.check("attach", address, Segment::attach(address));
        says.check("attach", address, Segment::options().read_only().attach(address));
        says.check("attach or create", address, Segment::open_or_create(address, 64));
        assert_eq!(Segment::stat_of(address).unwrap().size, 0, "it can be looked at");
        Segment::remove(address).unwrap();
    }
}

#[test]
fn what_unwrap_and_main_show_is_what_a_person_reads() {
    let error = Segment::attach("posix:/cenote-test-that-nobody-makes").unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(shown, format!("{error}\n  hint: {}", error.hint()));
    assert!(format!("{error:#?}").contains("kind: NotFound"), "the fields are for {{:#?}}");
}
