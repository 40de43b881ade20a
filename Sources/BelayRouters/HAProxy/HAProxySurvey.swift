internal import BelayCore
internal import BelayEngine
internal import Glibc

/// A look at the live router before a run: what it holds, and everything that is wrong with it. Changes nothing.
struct HAProxySurvey {
    private var found = Survey()
    /// The map holds other keys too.
    private var isShared = false
    /// All sockets are of level admin, so that what is left on the canary side can be cut.
    private var mayCut = true

    static func look(at target: HAProxyTraffic) async -> Survey {
        var survey = HAProxySurvey()
        var values: [String] = []
        for path in target.sockets {
            do throws(HAProxySocket.Failure) {
                if let value = try await survey.lookPatiently(at: HAProxySocket(path: path), target) {
                    values.append(value)
                }
            } catch {
                survey.found.problems.append(.unreachable("HAProxy does not answer: \(error.message)"))
            }
        }
        survey.readFile(target, values)
        survey.found.cutsConnections =
            survey.mayCut
            ? .init(isThere: true, why: "admin socket") : .init(isThere: false, why: "that needs an admin socket")
        survey.found.fencesWriters =
            survey.isShared
            ? .init(
                isThere: false,
                why: "the map has other keys: writes are `set map` without a fence, and the way back is asserted twice")
            : .init(isThere: true)
        return survey.found
    }

    private static let attempts = 3

    /// Looks up to three times. Before a release there is time, and a machine that is busy for a second is no reason to
    /// refuse it.
    private mutating func lookPatiently(
        at socket: HAProxySocket, _ target: HAProxyTraffic
    ) async throws(HAProxySocket.Failure) -> String? {
        for _ in 1..<Self.attempts {
            var trial = self
            do throws(HAProxySocket.Failure) {
                let value = try await trial.look(at: socket, target)
                self = trial
                return value
            } catch {
                if error.isGone { throw error }
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
        return try await look(at: socket, target)
    }

    private mutating func look(at socket: HAProxySocket, _ target: HAProxyTraffic) async throws(HAProxySocket.Failure)
        -> String?
    {
        let start = ContinuousClock.now
        let state = try await socket.state(of: target)
        found.roundTrip = max(found.roundTrip, start.duration(to: .now))
        let backends = HAProxyLine.backends(try await socket.send("show backend"))
        for side in [target.sides.first, target.sides.second] where !backends.contains(side.backend) {
            invalid(
                "\(socket.path) has no backend `\(side.backend)` (side \(side.name)); it has \(backends.joined(separator: ", "))"
            )
        }
        if let complaint = state.complaint {
            invalid("\(socket.path) knows no map \(target.mapFile): \(complaint)")
            return nil
        }
        guard let value = state.value else {
            invalid(
                "the map \(target.mapFile) of \(socket.path) has no key `\(target.key)`; add the line `\(target.key) 0`"
            )
            return nil
        }
        guard Int(value).flatMap({ Weight(basisPoints: $0) }) != nil else {
            invalid("the key `\(target.key)` of \(target.mapFile) is `\(value)` in \(socket.path); 0…10000 is expected")
            return nil
        }
        try await lookAtServers(of: target, socket)
        if !(try await socket.send("shutdown sessions server \(target.sides.first.backend)/-").contains(
            "No such server"))
        {
            mayCut = false
        }
        let keys = HAProxyLine.keys(try await socket.send(HAProxyLine.show(target)))
        if keys.contains(where: { $0 != target.key }) { isShared = true }
        if keys.filter({ $0 == target.key }).count > 1 {
            invalid("the key `\(target.key)` stands more than once in the map of \(socket.path); only the first counts")
        }
        found.notes.append("\(socket.path): \(target.key) = \(value)")
        return value
    }

    /// Whether each side can serve, and whether one side's servers stand in for the other's.
    private mutating func lookAtServers(
        of target: HAProxyTraffic, _ socket: HAProxySocket
    ) async throws(HAProxySocket.Failure) {
        let answer = try await socket.send("show stat")
        let sides = [target.sides.first, target.sides.second]
        let servers = sides.map { HAProxyServer.all(answer, of: $0.backend) }
        for (side, own) in zip(sides, servers) {
            if let complaint = HAProxyServer.complaint(own, of: side.backend) {
                let words = "\(socket.path): \(complaint)"
                found.cannotServe[side.name] = found.cannotServe[side.name] ?? words
            }
        }
        for (index, side) in sides.enumerated() {
            // Every server on a unix socket shows as `unix`.
            let others = Set(servers[1 - index].filter { !$0.isSum }.map(\.address)).subtracting(["", "unix"])
            for server in servers[index] where !server.isSum && others.contains(server.address) {
                if server.isBackup {
                    invalid(
                        "\(socket.path): the backup server \(server.name) of \(side.backend) is a server of the other side "
                            + "(\(server.address)): it would answer for a dead version, and no gate would see it; take it out"
                    )
                } else {
                    found.notes.append(
                        "\(socket.path): the server \(server.name) of \(side.backend) is a server of the other side, too (\(server.address))"
                    )
                }
            }
        }
    }

    private mutating func readFile(_ target: HAProxyTraffic, _ values: [String]) {
        let file = MapFile(path: target.mapFile, key: target.key)
        var starts: String?
        do throws(FileFailure) {
            switch try file.value() {
            case .text(let value):
                starts = value
                found.notes.append("\(target.mapFile): \(target.key) = \(value)")
            case .missing:
                invalid(
                    "\(target.mapFile) has no key `\(target.key)`, so that nobody knows what a reload would start with; "
                        + "add the line `\(target.key) \(values.first ?? "0")`"
                )
            }
            if try file.keyCount() > 1 {
                invalid(
                    "the key `\(target.key)` stands more than once in \(target.mapFile); HAProxy starts with the first")
            }
        } catch {
            invalid("\(error.message); Belay writes it after the runtime value, and HAProxy starts with it")
        }
        found.note(TargetFolder(ofFile: file.path, readers: "HAProxy", ownerReads: false))
        guard found.problems.isEmpty, let first = values.first else { return }
        if values.contains(where: { $0 != first }) {
            return invalid("the instances disagree: \(values.joined(separator: ", "))")
        }
        if let starts, starts != first {
            invalid(
                "\(target.mapFile) says \(starts), and HAProxy holds \(first): a reload would move the traffic; "
                    + "make them equal (`belay rescue FILE --stable SIDE` writes both)"
            )
        }
        found.secondShare = Int(first).flatMap { Weight(basisPoints: $0) }
        found.original = .string(first)
        if let share = found.secondShare, Roles(secondShare: share) == nil {
            invalid(
                "the router is split already: \(share.text) on \(target.sides.second.name); bring it to 0 or 10000 (`belay rescue FILE --stable SIDE`)"
            )
        }
    }

    private mutating func invalid(_ message: String) { found.invalid(message) }
}
