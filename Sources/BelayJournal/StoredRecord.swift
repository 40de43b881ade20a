package import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import GRDB

/// One stored event as it stands in the file.
package struct StoredRecord: Hashable, Sendable {
    package let position: Int
    package let at: Timestamp
    package let name: String
    package let payload: String
    package let hash: String
}

extension StoredRecord {
    package var event: Event { Self.event(named: name, payload: payload) }

    static func event(named name: String, payload: String) -> Event {
        do throws(JSONText.Failure) {
            // An older version may have stored what a server sent as it came.
            return StoredEvent.event(named: name, try JSONText.parse(payload)).printable
        } catch {
            return .unreadable(name: name)
        }
    }
}
