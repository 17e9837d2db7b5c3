//! A pair of sockets between two processes: files are passed over it (SCM_RIGHTS), and two processes meet at it.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType, recvmsg, sendmsg,
    shutdown, socketpair,
};

/// Two connected sockets.
///
/// # Errors
/// EMFILE, ENFILE, ENOMEM.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
}

/// Sends bytes, all of them.
///
/// # Errors
/// EPIPE when the other end is closed; other than with a pipe, no signal ends this process then.
pub fn send(socket: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match nix::sys::socket::send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Sends a descriptor. The file is open until it has been received, or both sockets are closed.
///
/// Reference: unix(7), SCM_RIGHTS.
///
/// # Errors
/// ETOOMANYREFS, EPIPE.
pub fn send_file(socket: &OwnedFd, file: impl AsFd) -> Result<(), Errno> {
    let files = [file.as_fd().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&files)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"f")], &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// Waits for a descriptor, which is closed on exec.
///
/// # Errors
/// ECONNRESET when the other end is closed without having sent one; EBADMSG when what came is none.
pub fn receive_file(socket: &OwnedFd) -> Result<OwnedFd, Errno> {
    let mut byte = [0];
    let mut space = nix::cmsg_space!(i32);
    let mut data = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut data, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just made these descriptors for this process, and no one else knows of them.
            files.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    match files.pop() {
        Some(file) => Ok(file),
        None if message.bytes == 0 => Err(Errno::ECONNRESET),
        None => Err(Errno::EBADMSG),
    }
}

/// Waits until the process at the other end has come here as often as this one; false when it never will.
///
/// # Errors
/// Those of read(2).
pub fn meet(socket: &OwnedFd) -> Result<bool, Errno> {
    match nix::sys::socket::send(socket.as_raw_fd(), b"m", MsgFlags::MSG_NOSIGNAL) {
        Ok(_) => {}
        Err(Errno::EPIPE) => return Ok(false),
        Err(errno) => return Err(errno),
    }
    crate::retry::retry(|| nix::unistd::read(socket, &mut [0])).map(|count| count == 1)
}

/// Ends the connection in both directions, whoever else holds this end.
pub fn end(socket: &OwnedFd) {
    // It fails only where the other end is gone already.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dma_buf;

    #[test]
    fn a_file_arrives_as_another_descriptor_of_the_same_file() {
        let (here, there) = pair().unwrap();
        let file = dma_buf::ordinary_file().unwrap();
        send_file(&here, &file).unwrap();
        let received = receive_file(&there).unwrap();
        assert_ne!(received.as_raw_fd(), file.as_raw_fd());
        assert_eq!(dma_buf::inode(received.as_fd()), dma_buf::inode(file.as_fd()));
    }

    #[test]
    fn a_closed_end_sends_nothing() {
        let (here, there) = pair().unwrap();
        drop(here);
        assert_eq!(receive_file(&there).unwrap_err(), Errno::ECONNRESET);
        assert_eq!(meet(&there), Ok(false));
    }

    #[test]
    fn two_meet_as_often_as_both_come() {
        let (here, there) = pair().unwrap();
        let other = std::thread::spawn(move || (0..100).all(|_| meet(&there).unwrap()));
        assert!((0..100).all(|_| meet(&here).unwrap()));
        assert!(other.join().unwrap());
        let (here, there) = pair().unwrap();
        end(&there);
        assert_eq!(meet(&here), Ok(false));
    }
}
