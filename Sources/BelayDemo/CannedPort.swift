internal import BelayPlatform
internal import Foundation
internal import Glibc

/// A port that gives one canned HTTP answer after another and keeps what it was asked.
package final class CannedPort: Sendable {
    package let number: Int
    private let file: Int32
    private let heads = Locked<[String]>([])

    /// - Parameter answer: The whole answer to a request's head.
    package init(_ answer: @escaping @Sendable (String) -> String) throws {
        file = try Loopback.listen(port: 0)
        number = Loopback.port(of: file)
        Thread.detachNewThread { [file, heads] in
            while true {
                let connection = accept(file, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread {
                    var buffer = [UInt8](repeating: 0, count: 16 << 10)
                    let count = max(0, recv(connection, &buffer, buffer.count, 0))
                    let head = String(decoding: buffer[..<count], as: UTF8.self)
                    heads.withLock { $0.append(head) }
                    _ = Loopback.send(connection, answer(head))
                    close(connection)
                }
            }
        }
    }

    package var requests: [String] { heads.withLock { $0 } }

    deinit {
        shutdown(file, Int32(SHUT_RDWR))
        close(file)
    }
}
