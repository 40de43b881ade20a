/// What the value of every vendor has.
package protocol TrafficValue: Hashable, Sendable {
    var sides: Sides { get }
    /// The instances that are always driven together, as people name them; the order is that of a reading's.
    var instances: [String] { get }
    /// What it is, for people: `/etc/haproxy/app.map, key app`.
    var words: String { get }
    /// Names the object on that host, and names the host where another host may have an object of the same name.
    func identity(on host: String) -> String
    var mistakes: [TargetMistake] { get }
    var json: JSONValue { get }
    init(json: JSONValue) throws(Unreadable)
}
