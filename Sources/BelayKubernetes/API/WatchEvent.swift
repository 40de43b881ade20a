package import BelayCore

/// What a watch tells.
package enum WatchEvent: Sendable {
    /// All that there is. It comes first, and once more where the server has forgotten what happened in between.
    case listed([JSONValue])
    /// New, or changed.
    case changed(JSONValue)
    /// Gone, as it last was.
    case deleted(JSONValue)
    /// Nothing is known from now on, with the reason; the watch goes on by itself.
    case interrupted(String)
    /// The connection stands again, and nothing was missed.
    case resumed
}
