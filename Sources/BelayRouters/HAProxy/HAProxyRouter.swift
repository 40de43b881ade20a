package import BelayCore
package import BelayEngine
internal import BelayPlatform

/// Drives one key of an HAProxy map on all instances together.
///
/// A raise is `prepare map`, the lease's check, `commit map @N`, read back; HAProxy refuses the commit once a newer version
/// was committed. The way back is `set map` at once, read back, and then a commit of its own that fences a late writer out.
/// The map's file is written after the runtime value, under a lock, by the latest write alone. In a map with other keys a
/// commit would take them away: there every write is `set map`, and the way back is asserted once more after the longest
/// write deadline.
package struct HAProxyRouter: TrafficRouter {
    private let target: HAProxyTraffic
    private let roles: Roles
    private let instances: [HAProxyInstance]
    private let file: MapFile
    private let owned: OwnedTarget
    private let clock: any EngineClock
    /// Processes that were seen: after a reload an earlier one may still serve.
    private let seen = Locked<Set<Int64>>([])

    package init(target: HAProxyTraffic, roles: Roles, clock: any EngineClock) {
        self.target = target
        self.roles = roles
        self.clock = clock
        instances = target.sockets.map { HAProxyInstance(target: target, socket: HAProxySocket(path: $0)) }
        file = MapFile(path: target.mapFile, key: target.key)
        owned = OwnedTarget(OwnerFile(of: target.mapFile, key: target.key), file: target.mapFile, clock)
    }

    /// As its protocol says.
    package func read() async -> Reading {
        let started = clock.now
        let states = await onAll { await $0.state() }
        let starts = await owned.files.run { [file] in Result { () throws(FileFailure) in try file.value() } }
        var (startsWith, foreign): (Weight?, String?) = (nil, nil)
        if case .success(.text(let value)) = starts {
            startsWith = share(value)
            if startsWith == nil { foreign = "`\(value)` in \(target.mapFile)" }
        }
        var reading = Reading(instances: states.map { instance($0, startsWith, foreign) }, startedAt: started)
        reading.oldProcesses = oldProcesses(
            beside: states.compactMap { if case .success(let state) = $0 { state.process } else { nil } })
        return reading
    }

    /// The pids of earlier HAProxy processes that are still there. The sockets are this host's, and so are the
    /// processes.
    private func oldProcesses(beside present: [Int64]) -> [Int] {
        let siblings = present.flatMap(HAProxyLine.State.earlierWorkers)
        return seen.withLock { seen in
            seen.formUnion(present + siblings)
            seen = seen.filter { present.contains($0) || HAProxyLine.State.isAlive($0) }
            return Set(seen.subtracting(present).map { Int($0 >> 32) }).subtracting(present.map { Int($0 >> 32) })
                .sorted()
        }
    }

    private func instance(
        _ state: Result<HAProxyLine.State, HAProxySocket.Failure>, _ startsWith: Weight?, _ foreign: String?
    ) -> Reading.Instance {
        switch state {
        case .failure(let failure):
            .init(running: nil, startsWith: startsWith, incarnation: nil, isGone: failure.isGone, foreign: foreign)
        case .success(let state) where state.complaint != nil:
            .init(running: nil, startsWith: startsWith, incarnation: nil, foreign: foreign)
        case .success(let state):
            // Belay never takes the key away and writes nothing but shares, so anything else comes from another hand.
            .init(
                running: state.value.flatMap(share), startsWith: startsWith, incarnation: state.process.map { "\($0)" },
                foreign: foreign
                    ?? (state.value.map { share($0) == nil ? "`\($0)` in the map" : nil }
                        ?? "nothing: the key `\(target.key)` is gone from the map"))
        }
    }

    /// As its protocol says.
    package func write(
        _ write: TrafficWrite, number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, WriteResult) {
        owned.begin(number)
        let (reading, error) = await withTaskCancellationHandler {
            switch write.kind {
            case .forward: await raise(write, number, under: mark, isOurs: isOurs)
            case .wayBack: await takeBack(to: roles.mirrored(write.share).basisPoints)
            }
        } onCancel: {
            owned.begin(number + 1)
        }
        return (reading, WriteResult(error: error))
    }

    // MARK: Forward

    private func raise(
        _ write: TrafficWrite, _ number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, error: String?) {
        if write.share > .zero, let dead = await deadServers() { return (await read(), dead) }
        let value = roles.mirrored(write.share).basisPoints
        let prepared = await onAll { await $0.prepare(value) }
        if let error = prepared.firstFailure { return (await read(), error) }
        // The last look before the effect: a share that another hand has set is left alone, and a driver that lost the
        // lease stops here.
        let found = await read()
        if let why = found.objection(to: write) { return (found, why) }
        guard await isOurs() else {
            return (await read(), "the lease is another driver's, or the journal does not answer")
        }
        let objection = await owned.files.run { owned.objection(to: number, under: mark) }
        if let objection = objection ?? FileDesk.silence { return (await read(), objection) }
        let committed = await onAll(prepared) { await $0.commit($1) }
        CrashPoint.afterWrite.reached()
        if let error = committed.firstFailure { return (await read(), error) }
        CrashPoint.betweenRuntimeAndFile.reached()
        let error = await writeFile(value) { owned.objection(to: number, under: mark) }
        CrashPoint.beforeReadBack.reached()
        return (await read(), error)
    }

    /// Why the canary's side can serve nothing, on any instance; nil where it can, or where nobody answers.
    private func deadServers() async -> String? {
        let backend = roles.canary(of: target.sides).backend
        for case .success(let servers) in await onAll({ await $0.servers(of: backend) }) {
            if let complaint = HAProxyServer.complaint(servers, of: backend) { return complaint }
        }
        return nil
    }

    /// Writes the value that a reload starts with. It holds the lock, and writes only while `objection` has none. It
    /// waits for as long as the disk takes, because the write must not happen later.
    private func writeFile(_ value: Int, objection: @escaping @Sendable () -> String?) async -> String? {
        await owned.writing { [file] in Self.write(value, to: file, objection: objection) }
    }

    private static func write(_ value: Int, to file: MapFile, objection: () -> String?) -> String? {
        if let why = objection() { return why }
        do throws(FileFailure) {
            if try file.value() != .text("\(value)") { try file.set(value, isWanted: objection) }
            return nil
        } catch {
            return error.message
        }
    }

    // MARK: The way back

    private func takeBack(to value: Int) async -> (Reading, error: String?) {
        let taken = await onAll { await $0.setAtOnce(value) }
        CrashPoint.inWayBack.reached()
        // The way back does not depend on the lock: whoever has it is waited for before the mark is taken away. Nor
        // does it depend on a disk that hangs: meanwhile the value in force is asserted again.
        let written = await owned.files.runAlone { [file, owned] in
            owned.withoutWaitingForLock { Self.write(value, to: file) { nil } }
        }
        var error = written ?? "\(target.mapFile): \(FileDesk.silence)"
        var isShared = false
        for outcome in taken {
            switch outcome {
            case .success(let shared): isShared = isShared || shared
            // An instance whose process is gone counts by what the file says.
            case .failure(let failure): error = failure.isGone ? error : failure.message
            }
        }
        if isShared {  // Nothing could be fenced: asserted again once no earlier write can still be on its way.
            try? await Task.sleep(for: HAProxySocket.deadline)  // Cancelled: a newer write does the same.
            _ = await onAll { await $0.setAtOnce(value) }
        }
        return (await read(), error)
    }

    // MARK: The mark

    /// As its protocol says.
    package func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async -> Claim {
        await owned.claim(mark, kind, superseding: superseding) {
            // Every takeover commits what it found, so that an earlier driver's late commit is refused.
            if kind != .first { _ = await onAll { await $0.fence() } }
            return await read()
        }
    }

    /// As its protocol says.
    package func renew(_ mark: OwnerMark) async { await owned.renew() }

    /// As its protocol says.
    package func drain(_ side: Side) async {
        let end = ContinuousClock.now + Drain.bound
        _ = await onAll { await $0.drain(backend: side.backend, within: Drain.bound) }
        // An earlier process answers no socket any more; it ends with its connections.
        while ContinuousClock.now < end, !Task.isCancelled, await !read().oldProcesses.isEmpty {
            try? await Task.sleep(for: .milliseconds(200))  // Cancelled: the loop's condition ends it.
        }
    }

    /// As its protocol says.
    package func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String? {
        await owned.release(mark, after: ending, roles, of: target.sides) { await read() }
    }

    // MARK: All instances at once

    private func share(_ value: String) -> Weight? {
        Int(value).flatMap { Weight(basisPoints: $0) }.map { roles.mirrored($0) }
    }

    private func onAll<Value: Sendable>(
        _ body: @escaping @Sendable (HAProxyInstance) async -> Value
    ) async -> [Value] {
        await onAll(instances) { _, instance in await body(instance) }
    }

    private func onAll<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (HAProxyInstance, Item) async -> Value
    ) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            for (index, instance) in instances.enumerated() {
                group.addTask { [item = items[index]] in (index, await body(instance, item)) }
            }
            var values = [Value?](repeating: nil, count: instances.count)
            for await (index, value) in group { values[index] = value }
            return values.compactMap(\.self)
        }
    }
}

extension [Result<HAProxyInstance.Prepared, HAProxySocket.Failure>] {
    fileprivate var firstFailure: String? {
        for case .failure(let failure) in self { return failure.message }
        return nil
    }
}

extension [Result<Bool, HAProxySocket.Failure>] {
    fileprivate var firstFailure: String? {
        for case .failure(let failure) in self { return failure.message }
        return nil
    }
}
