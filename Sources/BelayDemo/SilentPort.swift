internal import BelayPlatform
internal import Foundation
internal import Glibc

/// A port that takes connections and never says a word.
package final class SilentPort: Sendable {
    package let number: Int
    private let file: Int32

    package init() throws {
        file = try Loopback.listen(port: 0)
        number = Loopback.port(of: file)
    }

    deinit { close(file) }
}
