package import BelayCore
package import BelayPlatform

/// The mark at the target says who drives it. It keeps out a driver that has another journal, and tells `rescue` which
/// side is stable.
package struct OwnerMark: Hashable, Sendable {
    package var rollout: String
    package var epoch: Int
    /// The name of the stable side.
    package var stable: String
    /// What the target held before the rollout.
    package var original: JSONValue
    /// The journal's path.
    package var store: String
    package var process: ProcessIdentity
    /// Set by a takeover that found no mark: a person had removed it (`rescue`), so the traffic that this person
    /// returned must not be raised again.
    package var isAfterRescue = false
    /// Who returns the traffic without a journal, and why; it is not part of the mark itself.
    package var returnedBy: String?

    package init(
        rollout: String, epoch: Int, stable: String, original: JSONValue, store: String, process: ProcessIdentity
    ) {
        self.rollout = rollout
        self.epoch = epoch
        self.stable = stable
        self.original = original
        self.store = store
        self.process = process
    }
}

extension OwnerMark {
    package var json: JSONValue {
        .members([
            "rollout": .string(rollout), "epoch": .int(Int64(epoch)), "stable": .string(stable), "original": original,
            "store": .string(store), "host": .string(process.host), "boot": .string(process.bootID),
            "pid": .int(Int64(process.pid)), "pidStart": .int(Int64(process.startTime)),
            "afterRescue": isAfterRescue ? .bool(true) : nil,
        ])
    }

    /// - Returns: nil where it is no mark that this version can read.
    package init?(json: JSONValue) {
        guard let rollout = json["rollout"]?.string, let epoch = json["epoch"]?.int,
            let stable = json["stable"]?.string,
            let host = json["host"]?.string, let boot = json["boot"]?.string, let pid = json["pid"]?.int,
            let start = json["pidStart"]?.int
        else { return nil }
        self.init(
            rollout: rollout, epoch: Int(epoch), stable: stable, original: json["original"] ?? .null,
            store: json["store"]?.string ?? "",
            process: ProcessIdentity(host: host, bootID: boot, pid: Int(pid), startTime: Int(start)))
        isAfterRescue = json["afterRescue"]?.bool ?? false
    }
}
