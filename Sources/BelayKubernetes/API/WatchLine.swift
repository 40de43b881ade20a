package import BelayCore
internal import BelayPlatform

/// One line of a watch's answer.
package enum WatchLine: Sendable {
    /// New or changed, with its revision.
    case changed(JSONValue, String?)
    case deleted(JSONValue, String?)
    /// Nothing but how far the watch has come.
    case bookmark(String?)
    /// The server has forgotten the revision that was asked for.
    case expired
    /// The server ends the watch, with its words.
    case failed(String)
    /// A later version's.
    case unknown

    /// - Throws: ``KubernetesError`` where the line is no event.
    package init(_ line: [UInt8]) throws(KubernetesError) {
        guard let event = try? JSONText.parse(line), let type = event["type"]?.string, let object = event["object"]
        else {
            throw KubernetesError(.unreachable, "a watch sent an event that is none")
        }
        let revision = object["metadata"]?["resourceVersion"]?.string
        switch type {
        case "ADDED", "MODIFIED": self = .changed(object, revision)
        case "DELETED": self = .deleted(object, revision)
        case "BOOKMARK": self = .bookmark(revision)
        case "ERROR":
            self =
                object["code"]?.int == 410
                ? .expired : .failed(object["message"]?.string ?? "the server ended the watch with an error")
        default: self = .unknown
        }
    }
}
