//! Bind mounts of the mount namespace of this process, by calls of two generations.

use crate::files::absolute;
use crate::mountinfo::{self, Mount};
use crate::refusal::{Refusal, call_refusal, file_refusal, to_script};
use rquickjs::{Ctx, Function, Object};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{self, CWD, FileType};
use rustix::io::Errno;
use rustix::mount::{self, MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};
use std::path::Path;

/// `struct mount_attr` of the kernel, which no crate used here has.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const LOCKED_DOWN: MountFlags = MountFlags::RDONLY.union(MountFlags::NOSUID).union(MountFlags::NODEV).union(MountFlags::NOEXEC);

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    native.set("bind", Function::new(ctx.clone(), |ctx: Ctx<'js>, source: String, target: String, read_only: bool, at_once: bool| {
        to_script(&ctx, bind(&source, &target, read_only, at_once))
    })?)?;
    native.set("unmount", Function::new(ctx.clone(), |ctx: Ctx<'js>, target: String| to_script(&ctx, unmount(&target)))?)?;
    native.set("mountsUnder", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| {
        to_script(&ctx, mounts_under(&path))?.iter().map(|mount| mount_object(&ctx, mount)).collect::<rquickjs::Result<Vec<_>>>()
    })?)
}

fn mount_object<'js>(ctx: &Ctx<'js>, mount: &Mount) -> rquickjs::Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("target", mount.target.as_str())?;
    object.set("root", mount.root.as_str())?;
    object.set("readOnly", mount.read_only)?;
    Ok(object)
}

fn mounts_under(path: &str) -> Result<Vec<Mount>, Refusal> {
    mountinfo::under(&parents_resolved(path)?)
}

fn bind(source: &str, target: &str, read_only: bool, at_once: bool) -> Result<(), Refusal> {
    let (source, target) = (directory(source)?, directory(target)?);
    if at_once && bind_at_once(&source, &target, read_only)? {
        return Ok(());
    }
    bind_in_two_calls(&source, &target, read_only)
}

/// The same path, symlinks on the way followed; one that is itself no directory is refused.
fn directory(path: &str) -> Result<String, Refusal> {
    absolute(path)?;
    let found = fs::lstat(path).map_err(|errno| file_refusal(path, errno))?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        return parents_resolved(path);
    }
    Err(Refusal::new("HOST_WRONG_KIND", "not a directory").with("path", path))
}

/// mountinfo and the kernel speak of resolved paths; a path whose parents are missing is left as it is.
fn parents_resolved(path: &str) -> Result<String, Refusal> {
    absolute(path)?;
    let (parent, name) = path.split_at(path.rfind('/').unwrap_or(0));
    if parent.is_empty() {
        return Ok(path.to_owned());
    }
    let resolved = Path::new(parent).canonicalize().map_or_else(|_| parent.to_owned(), |it| it.to_string_lossy().into_owned());
    Ok(if resolved == "/" { name.to_owned() } else { format!("{resolved}{name}") })
}

/// Makes a copy of the mount apart, locks it down, then puts it in place: nobody ever sees it writable.
///
/// False where the kernel (before 5.12) or a filter does not know the calls; nothing has been done then.
fn bind_at_once(source: &str, target: &str, read_only: bool) -> Result<bool, Refusal> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let tree = match mount::open_tree(CWD, source, flags) {
        Ok(tree) => tree,
        Err(errno) => return unless_unknown("open_tree", source, errno),
    };
    if let Err(errno) = lock_down(&tree, read_only) {
        return unless_unknown("mount_setattr", source, errno);
    }
    match mount::move_mount(&tree, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH) {
        Ok(()) => Ok(true),
        Err(errno) => unless_unknown("move_mount", target, errno),
    }
}

fn lock_down(tree: &OwnedFd, read_only: bool) -> Result<(), Errno> {
    let attributes = MountAttributes {
        set: if read_only { u64::from(LOCKED_DOWN.bits()) } else { 0 },
        clear: 0,
        propagation: u64::from(MountPropagationFlags::PRIVATE.bits()),
        user_namespace: 0,
    };
    // SAFETY: the descriptor is open, the path is an empty C string, and the kernel only reads the structure of the
    // length that is given with it. The C library of the build has no function for this call.
    let result = unsafe {
        libc::syscall(libc::SYS_mount_setattr, tree.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, &raw const attributes, size_of::<MountAttributes>())
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Container run times answer EPERM for calls that their filter does not know; a true EPERM comes again from `mount`.
fn unless_unknown(call: &str, path: &str, errno: Errno) -> Result<bool, Refusal> {
    match errno {
        Errno::NOSYS | Errno::PERM => Ok(false),
        other => Err(call_refusal(call, path, other)),
    }
}

/// Binds, then remounts: Linux ignores read-only in the first call.
fn bind_in_two_calls(source: &str, target: &str, read_only: bool) -> Result<(), Refusal> {
    let refused = |errno| call_refusal("mount", target, errno);
    mount::mount_bind(source, target).map_err(refused)?;
    let lock = if read_only { mount::mount_remount(target, MountFlags::BIND | LOCKED_DOWN, "") } else { Ok(()) };
    lock.and_then(|()| mount::mount_change(target, MountPropagationFlags::PRIVATE)).map_err(|errno| {
        // What cannot be undone is told by the first refusal.
        let _ = mount::unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
        refused(errno)
    })
}

fn unmount(target: &str) -> Result<(), Refusal> {
    let target = parents_resolved(target)?;
    mount::unmount(target.as_str(), UnmountFlags::NOFOLLOW).map_err(|errno| {
        let refusal = call_refusal("umount2", &target, errno);
        if errno == Errno::INVAL || errno == Errno::NOENT { Refusal { code: "HOST_NOT_MOUNTED", ..refusal } } else { refusal }
    })
}
