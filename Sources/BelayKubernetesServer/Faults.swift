internal import BelayCore

/// What goes wrong at a server, by order of a test.
package struct Faults: Sendable {
    /// So many of the next writes are answered 409, as if somebody had just been there.
    package var conflicts = 0
    /// So many of the next requests are answered 429.
    package var tooMany = 0
    /// So many of the next requests are answered 500.
    package var failures = 0
    /// Seconds, with the 429 and the 500; nil: the header is missing.
    package var retryAfter: Int? = 1
    /// So many of the next requests end in a connection that is reset, after they had their effect.
    package var resetsAfter = 0
    /// So many of the next requests end in a connection that is reset, without any effect.
    package var resetsBefore = 0
    /// Every answer is late by so much.
    package var delay: Duration = .zero
    /// A page of HTML in place of every answer: a proxy in between.
    package var html = false

    package init() {}

    /// What becomes of one request.
    enum Fate { case answered, conflict, tooMany, failed, resetBefore, resetAfter, html }

    mutating func next(isWrite: Bool) -> Fate {
        if html { return .html }
        if resetsBefore > 0 {
            resetsBefore -= 1
            return .resetBefore
        }
        if tooMany > 0 {
            tooMany -= 1
            return .tooMany
        }
        if failures > 0 {
            failures -= 1
            return .failed
        }
        if isWrite, conflicts > 0 {
            conflicts -= 1
            return .conflict
        }
        if resetsAfter > 0 {
            resetsAfter -= 1
            return .resetAfter
        }
        return .answered
    }
}
