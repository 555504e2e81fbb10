//! Files of the machine. What the contract asks to be true of the place that was opened goes by its descriptor.

use crate::bytes::Bytes;
use crate::refusal::{Refusal, file_refusal, to_script};
use rquickjs::function::Opt;
use rquickjs::{Ctx, Function, Object};
use rustix::buffer::spare_capacity;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::CString;

const CHUNK: usize = 64 * 1024;

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    let files = Object::new(ctx.clone())?;
    files.set("read", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, max: f64| to_script(&ctx, read(&path, max as usize).map(Bytes)))?)?;
    files.set("readOwn", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, max: f64| to_script(&ctx, read_own(&path, max as usize).map(Bytes)))?)?;
    files.set("create", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, bytes: Bytes, mode: u32, synced: bool| {
        to_script(&ctx, create(&path, &NewFile { content: &bytes.0, mode, synced }))
    })?)?;
    files.set("createOwn", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, bytes: Bytes, mode: u32, gid: Opt<Option<u32>>| {
        to_script(&ctx, create_own(&path, &bytes.0, mode, gid.0.flatten()))
    })?)?;
    files.set("mkdir", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, mode: u32| to_script(&ctx, make_directory(&path, mode)))?)?;
    files.set("mkdirs", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String, mode: u32| to_script(&ctx, make_directories(&path, mode)))?)?;
    files.set("symlink", Function::new(ctx.clone(), |ctx: Ctx<'js>, target: String, path: String| to_script(&ctx, symlink(&target, &path)))?)?;
    files.set("readlink", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, readlink(&path)))?)?;
    files.set("rename", Function::new(ctx.clone(), |ctx: Ctx<'js>, from: String, to: String| to_script(&ctx, rename(&from, &to)))?)?;
    files.set("link", Function::new(ctx.clone(), |ctx: Ctx<'js>, existing: String, path: String| to_script(&ctx, link(&existing, &path)))?)?;
    files.set("unlink", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, unlink(&path)))?)?;
    files.set("rmdir", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, remove_directory(&path)))?)?;
    files.set("discard", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, discard(&path)))?)?;
    files.set("list", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, list(&path)))?)?;
    files.set("stat", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| match to_script(&ctx, stat(&path))? {
        Some(found) => stat_object(&ctx, &found).map(Some),
        None => Ok(None),
    })?)?;
    files.set("syncDirectory", Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| to_script(&ctx, sync_directory(&path)))?)?;
    native.set("files", files)
}

/// Runs a call on an absolute path.
fn at<T>(path: &str, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, Refusal> {
    absolute(path)?;
    call().map_err(|errno| file_refusal(path, errno))
}

/// The door takes no other: what a relative path means would depend on who started the program.
pub fn absolute(path: &str) -> Result<(), Refusal> {
    if path.starts_with('/') && !path.contains('\0') {
        return Ok(());
    }
    Err(Refusal::new("HOST_IO", "not an absolute path").with("path", path))
}

/// Another meaning of one errno for one call.
fn meaning(errno: Errno, code: &'static str) -> impl Fn(Refusal) -> Refusal {
    move |refusal| {
        let said = refusal.fields.iter().any(|(name, value)| *name == "errno" && *value == crate::errno::name_of(errno));
        if said { Refusal { code, ..refusal } } else { refusal }
    }
}

fn absent_is_fine(result: Result<(), Errno>, absent: &[Errno]) -> Result<(), Errno> {
    match result {
        Err(errno) if absent.contains(&errno) => Ok(()),
        other => other,
    }
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The directory of a path, and the name in it; where the path ends with a slash, that directory itself.
fn split(path: &str) -> (&str, &str) {
    let cut = path.rfind('/').unwrap_or(0);
    let name = &path[cut + 1..];
    (if cut == 0 { "/" } else { &path[..cut] }, if name.is_empty() { "./" } else { name })
}

fn read(path: &str, max: usize) -> Result<Vec<u8>, Refusal> {
    // A FIFO without a writer would keep the call for ever.
    let file = at(path, || fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()))?;
    content_of(&file, path, max)
}

fn read_own(path: &str, max: usize) -> Result<Vec<u8>, Refusal> {
    absolute(path)?;
    let (parent, name) = split(path);
    let directory = open_own(CWD, parent, path, OFlags::DIRECTORY, &[own_user(), 0])?;
    let file = open_own(directory.as_fd(), name, path, OFlags::NONBLOCK, &[own_user()])?;
    content_of(&file, path, max)
}

/// Opens what belongs to one of `owners` and is no symlink; `told` is what the caller called it.
fn open_own(at: impl AsFd, name: &str, told: &str, flags: OFlags, owners: &[u32]) -> Result<OwnedFd, Refusal> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | flags;
    let file = fs::openat(at, name, flags, Mode::empty()).map_err(|errno| file_refusal(told, errno))?;
    let owner = fs::fstat(&file).map_err(|errno| file_refusal(told, errno))?.st_uid;
    if owners.contains(&owner) {
        return Ok(file);
    }
    Err(Refusal::new("HOST_DENIED", "it belongs to another user").with("path", told))
}

pub fn content_of(file: &OwnedFd, path: &str, max: usize) -> Result<Vec<u8>, Refusal> {
    let refused = |errno| file_refusal(path, errno);
    let stat = fs::fstat(file).map_err(refused)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refusal::new("HOST_WRONG_KIND", "not a regular file").with("path", path));
    }
    let mut content = Vec::with_capacity(room(stat.st_size, max));
    // Files of procfs say that they are empty, so that only reading tells the end.
    while rustix::io::read(file, spare_capacity(&mut content)).map_err(refused)? > 0 {
        if content.len() > max {
            return Err(Refusal::new("HOST_TOO_LARGE", "the file is longer than allowed").with("path", path).with("maxBytes", max.to_string()));
        }
        if content.len() == content.capacity() {
            content.reserve(CHUNK);
        }
    }
    Ok(content)
}

/// For what a file says to be its size, and to see that it ends there.
fn room(size: i64, max: usize) -> usize {
    if size == 0 { CHUNK } else { usize::try_from(size).unwrap_or(0).min(max).saturating_add(1) }
}

struct NewFile<'a> {
    content: &'a [u8],
    mode: u32,
    /// Whether it survives a loss of power.
    synced: bool,
}

fn create(path: &str, new: &NewFile<'_>) -> Result<(), Refusal> {
    at(path, || create_at(CWD, path, new))
}

fn create_own(path: &str, content: &[u8], mode: u32, gid: Option<u32>) -> Result<(), Refusal> {
    absolute(path)?;
    let (parent, name) = split(path);
    let directory = open_own(CWD, parent, path, OFlags::DIRECTORY, &[own_user()])?;
    let group = fs::fstat(&directory).map_err(|errno| file_refusal(path, errno))?.st_gid;
    if gid.is_some_and(|asked| asked != group) {
        return Err(Refusal::new("HOST_DENIED", "the directory belongs to another group").with("path", path));
    }
    if path.ends_with('/') {
        return Err(file_refusal(path, Errno::ISDIR));
    }
    create_at(directory.as_fd(), name, &NewFile { content, mode, synced: true }).map_err(|errno| file_refusal(path, errno))
}

fn create_at(at: impl AsFd, name: &str, new: &NewFile<'_>) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(&at, name, flags, Mode::from_raw_mode(new.mode))?;
    fill(&file, new).inspect_err(|_| {
        // What cannot be removed either is told by the first refusal.
        let _ = fs::unlinkat(&at, name, AtFlags::empty());
    })
}

fn fill(file: &OwnedFd, new: &NewFile<'_>) -> Result<(), Errno> {
    fs::fchmod(file, Mode::from_raw_mode(new.mode))?;
    let mut rest = new.content;
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(file, rest)?..];
    }
    if new.synced { fs::fsync(file) } else { Ok(()) }
}

fn make_directory(path: &str, mode: u32) -> Result<(), Refusal> {
    at(path, || {
        fs::mkdir(path, Mode::from_raw_mode(mode))?;
        // The umask had its say, and the mode may have bits that `mkdir` ignores.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::fchmod(fs::open(path, flags, Mode::empty())?, Mode::from_raw_mode(mode))
    })
}

fn make_directories(path: &str, mode: u32) -> Result<(), Refusal> {
    match make_directory(path, mode) {
        Err(refusal) if refusal.code == "HOST_EXISTS" => at(path, || fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(drop)),
        Err(refusal) if refusal.code == "HOST_NOT_FOUND" => {
            make_directories(split(path).0, mode)?;
            make_directories(path, mode)
        }
        other => other,
    }
}

fn symlink(target: &str, path: &str) -> Result<(), Refusal> {
    at(path, || fs::symlink(target, path))
}

fn readlink(path: &str) -> Result<String, Refusal> {
    let target = at(path, || fs::readlink(path, Vec::new())).map_err(meaning(Errno::INVAL, "HOST_WRONG_KIND"))?;
    Ok(target.to_string_lossy().into_owned())
}

fn rename(from: &str, to: &str) -> Result<(), Refusal> {
    absolute(from)?;
    // Mounts below it have other names from here on.
    crate::mountinfo::forget();
    at(to, || fs::rename(from, to)).map_err(meaning(Errno::EXIST, "HOST_NOT_EMPTY"))
}

fn link(existing: &str, path: &str) -> Result<(), Refusal> {
    absolute(existing)?;
    at(path, || fs::link(existing, path))
}

fn unlink(path: &str) -> Result<(), Refusal> {
    at(path, || absent_is_fine(fs::unlink(path), &[Errno::NOENT, Errno::NOTDIR]))
}

fn remove_directory(path: &str) -> Result<(), Refusal> {
    at(path, || absent_is_fine(fs::rmdir(path), &[Errno::NOENT])).map_err(meaning(Errno::EXIST, "HOST_NOT_EMPTY"))
}

fn discard(path: &str) -> Result<(), Refusal> {
    absolute(path)?;
    let directory = match open_own(CWD, path, path, OFlags::DIRECTORY, &[own_user()]) {
        Err(refusal) if refusal.code == "HOST_NOT_FOUND" => return Ok(()),
        other => other?,
    };
    at(path, || {
        for name in names_in(&directory)? {
            // Whoever else discards it may have been faster.
            absent_is_fine(fs::unlinkat(&directory, name, AtFlags::empty()), &[Errno::NOENT])?;
        }
        absent_is_fine(fs::rmdir(path), &[Errno::NOENT])
    })
}

fn list(path: &str) -> Result<Vec<String>, Refusal> {
    at(path, || {
        let directory = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut names: Vec<String> = names_in(&directory)?.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        // As the script would sort them: by UTF-16 units.
        names.sort_by(|one, other| one.encode_utf16().cmp(other.encode_utf16()));
        Ok(names)
    })
}

/// As the kernel has them, which need not be text.
fn names_in(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn stat(path: &str) -> Result<Option<Stat>, Refusal> {
    at(path, || match fs::lstat(path) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    })
}

fn stat_object<'js>(ctx: &Ctx<'js>, stat: &Stat) -> rquickjs::Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("kind", match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::Socket => "socket",
        _ => "other",
    })?;
    object.set("mode", stat.st_mode & 0o7777)?;
    object.set("uid", stat.st_uid)?;
    object.set("isOwn", stat.st_uid == own_user())?;
    object.set("gid", stat.st_gid)?;
    object.set("size", stat.st_size as f64)?;
    Ok(object)
}

fn sync_directory(path: &str) -> Result<(), Refusal> {
    at(path, || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::fsync(fs::open(path, flags, Mode::empty())?)
    })
}
