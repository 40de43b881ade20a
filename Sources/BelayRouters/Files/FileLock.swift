internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// An advisory lock (`flock`) that is held briefly around changes of a target's file and its mark. It is released when
/// this value goes, or when its process ends; a process that hangs while it renames a file keeps the lock until the
/// renaming has ended.
final class FileLock: Sendable {
    enum Attempt {
        case held(FileLock)
        /// Another process has it.
        case busy
        /// The lock's file cannot be opened or locked; the text says why.
        case failed(String)

        /// Why whatever needs the lock has to wait; nil where it is held.
        func complaint(_ path: String) -> String? {
            switch self {
            case .held: nil
            case .busy: "\(path) is locked by another process"
            case .failed(let message): message
            }
        }
    }

    private let file: Int32

    private init(_ file: Int32) { self.file = file }

    deinit { close(file) }

    static func acquire(_ path: String, patience: Duration) -> Attempt {
        let file = OwnedFile.opened(path)
        let number = errno
        guard file >= 0 else { return .failed(OwnedFile.failure("open", path, number).message) }
        let end = ContinuousClock.now + patience
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            guard number == EWOULDBLOCK || number == EINTR else {
                close(file)
                return .failed(OwnedFile.failure("flock", path, number).message)
            }
            guard ContinuousClock.now < end else {
                close(file)
                return .busy
            }
            usleep(2000)
        }
        return .held(FileLock(file))
    }
}
