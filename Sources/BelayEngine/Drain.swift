/// How long the open connections of a side that has lost its traffic may take to end by themselves. After that time
/// they are cut, where the router can do that.
package enum Drain {
    package static let bound: Duration = .seconds(10)
}
