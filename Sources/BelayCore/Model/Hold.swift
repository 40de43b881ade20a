/// The watched time a step stays. It ends at `max`, or from `min` on when every metric has reached the `count` or
/// `consecutiveSuccessLimit` that it states.
package struct Hold: Hashable, Sendable {
    package var min: Duration
    package var max: Duration

    package init(_ fixed: Duration) {
        min = fixed
        max = fixed
    }

    package init(min: Duration, max: Duration) {
        self.min = min
        self.max = max
    }
}
