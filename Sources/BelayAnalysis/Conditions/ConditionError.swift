/// What is wrong with a condition, and where.
package struct ConditionError: Error, Hashable, Sendable {
    package let message: String
    /// Characters from the condition's beginning, from 0.
    package let offset: Int
    /// The condition is right, but there is nothing to judge: 0/0, `all` of an empty list.
    package var isNoData = false
    /// Whether `?.` met nil and ends its chain; such an error is never seen outside.
    var endsChain = false
}
