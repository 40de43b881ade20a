package import BelayCore
package import BelayEngine

/// Drives one key of an HAProxy map on all instances together.
///
/// A raise is `prepare map`, the lease's check, `commit map @N`, read back; HAProxy refuses the commit once a newer version
/// was committed. The way back is `set map` at once, read back, and then a commit of its own that fences a late writer out.
/// The map's file is written after the runtime value. In a map with other keys a commit would take them away: there
/// every write is `set map`, and the way back is asserted once more after the longest write deadline.
package struct HAProxyRouter: TrafficRouter {
    private let target: HAProxyTarget
    private let roles: Roles
    private let instances: [HAProxyInstance]
    private let file: MapFile
    private let owner: OwnerFile
    private let clock: WallClock
    private static let disk = Blocking("belay.haproxy.files", isConcurrent: true)

    package init(target: HAProxyTarget, roles: Roles, clock: WallClock) {
        self.target = target
        self.roles = roles
        self.clock = clock
        instances = target.sockets.map { HAProxyInstance(target: target, socket: HAProxySocket(path: $0)) }
        file = MapFile(path: target.mapFile, key: target.key)
        owner = OwnerFile(mapFile: target.mapFile, key: target.key)
    }

    package func read() async -> Reading {
        let started = clock.now
        let states = await onAll { await $0.state() }
        let starts = await Self.disk.run { [file] in Result { () throws(MapFile.Failure) in try file.value() } }
        let startsWith: Weight? = if case .success(let value) = starts { share(value ?? "0") } else { nil }
        return Reading(instances: states.map { instance($0, startsWith) }, startedAt: started)
    }

    private func instance(
        _ state: Result<HAProxyLine.State, HAProxySocket.Failure>, _ startsWith: Weight?
    ) -> Reading.Instance {
        switch state {
        case .failure(let failure): .init(running: nil, startsWith: startsWith, process: nil, isGone: failure.isGone)
        case .success(let state) where state.complaint != nil: .init(running: nil, startsWith: startsWith, process: nil)
        case .success(let state):
            // A key that is gone reads as the converter's own default, 0.
            .init(running: share(state.value ?? "0"), startsWith: startsWith, process: state.process)
        }
    }

    package func write(
        _ write: TrafficWrite, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, error: String?) {
        let value = roles.mirrored(write.share).basisPoints
        switch write.kind {
        case .forward: return await raise(to: value, expecting: write.expecting, under: mark, isOurs: isOurs)
        case .wayBack: return await takeBack(to: value)
        }
    }

    // MARK: Forward

    private func raise(
        to value: Int, expecting: [Weight], under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, error: String?) {
        let prepared = await onAll { await $0.prepare(value) }
        if let error = prepared.firstFailure { return (await read(), error) }
        // The last look before the effect: what another hand has set is left, and whoever lost the lease stops here.
        let found = await read()
        if let foreign = found.instances.compactMap(\.running).first(where: { !expecting.contains($0) }) {
            return (found, "\(foreign.text) was found, which Belay did not ask for")
        }
        guard !Task.isCancelled, await isOurs() else {
            return (await read(), "the lease is another driver's, or the write was superseded")
        }
        let committed = await onAll(prepared) { await $0.commit($1) }
        CrashPoint.afterWrite.reached()
        if let error = committed.firstFailure { return (await read(), error) }
        CrashPoint.betweenRuntimeAndFile.reached()
        // A driver that slept here must not leave its raise to the next reload.
        let error = await writeFile(value, under: mark)
        CrashPoint.beforeReadBack.reached()
        return (await read(), error)
    }

    /// - Parameter mark: The mark the target has to bear; nil on the way back, which asks nobody.
    private func writeFile(_ value: Int, under mark: OwnerMark?) async -> String? {
        await Self.disk.run { [file, target, owner] in
            FileLock.holding("\(target.mapFile).lock", patience: .milliseconds(200)) {
                if let mark, owner.read() != .mark(mark) { return "the mark \(owner.path) is another driver's" }
                do throws(MapFile.Failure) {
                    let before = try file.value()
                    if before != "\(value)" { try file.set(value) }
                    guard let mark, owner.read() != .mark(mark) else { return nil }
                    // Whoever slept between the look and the renaming has overwritten its successor's way back.
                    if let before = before.flatMap({ Int($0) }) { try file.set(before) }
                    return "the mark \(owner.path) is another driver's"
                } catch {
                    return error.message
                }
            }
        }
    }

    // MARK: The way back

    private func takeBack(to value: Int) async -> (Reading, error: String?) {
        let taken = await onAll { await $0.setAtOnce(value) }
        CrashPoint.inWayBack.reached()
        var error = await writeFile(value, under: nil)
        var isShared = false
        for outcome in taken {
            switch outcome {
            case .success(let shared): isShared = isShared || shared
            // One that is gone counts by its file.
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

    package func claim(_ mark: OwnerMark, superseding: [String]) async -> Claim {
        let taking = await Self.disk.run { [owner] in owner.take(mark, superseding: superseding) }
        switch taking {
        case .foreign(let holder): return .taken(by: holder)
        case .failed(let message): return .failed(message)
        case .taken(let before):
            CrashPoint.inTakeover.reached()
            // Every takeover commits what it found, so that an earlier driver's late commit is refused.
            if before != nil { _ = await onAll { await $0.fence() } }
            return .ours(await read())
        }
    }

    package func renew(_ mark: OwnerMark) async { await Self.disk.run { [owner] in owner.touch() } }

    /// How long what is left on the canary side may take to end by itself after a way back.
    package static let drainBound: Duration = .seconds(10)

    package func release(_ mark: OwnerMark, drains: Bool) async -> String? {
        if drains {
            let canary = roles.canary(of: target.sides).backend
            _ = await onAll { await $0.drain(backend: canary, within: Self.drainBound) }
        }
        return await Self.disk.run { [owner] in owner.remove(mark) }
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
