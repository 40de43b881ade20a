internal import Glibc

/// The file that takes what a program prints. It can be read while the program runs, and stays until the next program
/// begins. Where the file cannot be opened, or is no regular file, the program runs all the same and its output is
/// lost.
final class ProgramLog: Sendable {
    let file: Int32
    let isKept: Bool

    init(_ path: String) {
        let found = OwnedFile.opened(path, O_APPEND | O_NONBLOCK)
        var info = stat()
        if found >= 0, fstat(found, &info) == 0, info.st_mode & S_IFMT == S_IFREG, ftruncate(found, 0) == 0 {
            (file, isKept) = (found, true)
        } else {
            if found >= 0 { close(found) }
            (file, isKept) = (Glibc.open("/dev/null", O_RDWR | O_CLOEXEC), false)
        }
    }

    deinit { if file >= 0 { close(file) } }

    /// The last 4 KB.
    var end: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = lseek(file, 0, SEEK_END)
        let count = pread(file, &buffer, buffer.count, max(0, length - off_t(buffer.count)))
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
