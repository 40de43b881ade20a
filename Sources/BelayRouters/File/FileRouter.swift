internal import BelayCore
internal import BelayEngine

/// Drives a file with one number. A file has no versions that could refuse a late writer: a forward write asks for the mark
/// under the lock, right before it renames, and the way back is written once more after all others have ended.
struct FileRouter: TrafficRouter {
    private let target: FileTraffic
    private let roles: Roles
    private let file: ShareFile
    private let owned: OwnedTarget
    private let clock: any EngineClock

    init(_ target: FileTraffic, _ roles: Roles, _ clock: any EngineClock) {
        self.target = target
        self.roles = roles
        self.clock = clock
        file = ShareFile(target)
        owned = OwnedTarget(OwnerFile(of: target.path), file: target.path, clock)
    }

    func read() async -> Reading {
        let started = clock.now
        let found = await owned.files.run { [file] in Result { () throws(FileFailure) in try file.number() } }
        var instance = Reading.Instance(running: nil, start: .unknown, incarnation: nil)
        if case .success(let number)? = found { take(number, of: target.path, into: &instance) }
        let kept = instance.running
        // Nothing tells one process behind the file from the next: it is the file that is one and the same.
        instance.incarnation = kept == nil && instance.foreign == nil ? nil : "file"
        guard let answer = await file.inForce() else {
            instance.start = kept == nil ? .unknown : .same
            return Reading(instances: [instance], startedAt: started)
        }
        instance.start = kept.map { .share($0) } ?? .unknown
        instance.running = nil
        if case .success(let number) = answer { take(number, of: target.read[0], into: &instance) }
        return Reading(instances: [instance], startedAt: started)
    }

    /// What was found where a number should be: a share, another hand's words, or nothing.
    private func take(_ number: ShareFile.Number, of place: String, into instance: inout Reading.Instance) {
        switch number {
        case .missing: break
        case .foreign(let words): instance.foreign = "`\(words)` in \(place)"
        case .number(let number):
            instance.running = target.share(for: number, roles)
            if instance.running == nil { instance.foreign = "`\(number)` in \(place)" }
        }
    }

    func write(
        _ write: TrafficWrite, number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, WriteResult) {
        owned.begin(number)
        let error = await withTaskCancellationHandler {
            switch write.kind {
            case .forward: await raise(write, number, under: mark, isOurs: isOurs)
            case .wayBack: await takeBack(to: write.share)
            }
        } onCancel: {
            owned.begin(number + 1)
        }
        let reading = await read()
        if let error { return (reading, .refused(error)) }
        // A program that says what is in force may need a while to follow.
        return (reading, target.read.isEmpty || reading.confirms(write) ? .done : .accepted)
    }

    private func raise(
        _ write: TrafficWrite, _ number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> String? {
        // The last look before the effect: what another hand has set is left, and whoever lost the lease stops here.
        let found = await read().instances[0]
        let seen = [found.running, found.startsWith].compactMap(\.self)
        if let foreign = seen.first(where: { !write.expecting.contains($0) })?.text ?? found.foreign {
            return "\(foreign) was found, which Belay did not ask for"
        }
        guard await isOurs() else { return "the lease is another driver's, or the journal does not answer" }
        let value = target.number(for: write.share, roles)
        let error = await owned.writing { [file, owned] in
            file.write(value) { owned.objection(to: number, under: mark) }
        }
        CrashPoint.afterWrite.reached()
        if let error { return error }
        if let error = await file.announce(value) { return error }
        CrashPoint.beforeReadBack.reached()
        return nil
    }

    /// It waits for no lock, nor for a disk that hangs: what is in force is told to the user's program meanwhile.
    private func takeBack(to share: Weight) async -> String? {
        let value = target.number(for: share, roles)
        let written = await owned.files.runAlone { [file, owned] in
            owned.withoutWaitingForLock { file.write(value) }
        }
        CrashPoint.inWayBack.reached()
        let announced = await file.announce(value)
        return (written ?? "\(target.path): \(FileDesk.silence)") ?? announced
    }

    // MARK: The mark

    func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async -> Claim {
        await owned.claim(mark, kind, superseding: superseding) { await read() }
    }

    func renew(_ mark: OwnerMark) async { await owned.renew() }

    func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String? {
        await owned.release(mark, after: ending, roles, of: target.sides) { await read() }
    }
}
