/// A stored value that this version cannot read.
package struct Unreadable: Error {
    package init() {}
}
