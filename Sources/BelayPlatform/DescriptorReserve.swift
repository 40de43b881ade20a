internal import Glibc

/// File descriptors that are kept for the way back. A process that has none left, through its own fault or a metric's,
/// can still reach the router and write its file.
package enum DescriptorReserve {
    private static let size = 8
    private static let held = Locked<[Int32]>([])

    /// Opens the reserve. To be called before a rollout is driven.
    package static func fill() {
        held.withLock { held in
            while held.count < size {
                let file = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
                if file < 0 { return }
                held.append(file)
            }
        }
    }

    /// Calls something that gives a descriptor, or -1 with `errno`. Where none was left, it gives up the reserve and
    /// calls once more.
    package static func open(_ call: () -> Int32) -> Int32 {
        let file = call()
        guard file < 0, errno == EMFILE || errno == ENFILE else { return file }
        let isFreed = held.withLock { held in
            defer { held = [] }
            for file in held { close(file) }
            return !held.isEmpty
        }
        return isFreed ? call() : file
    }
}
