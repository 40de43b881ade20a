internal import BelayCore
internal import BelayEngine

/// Drives a file with one number. A file has no versions by which a late writer could be refused. So a forward write
/// takes the lock, looks at the mark right before it renames the file and again before it tells the user's program, and
/// keeps the lock until that program has ended.
struct FileRouter: TrafficRouter {
    private let target: FileTraffic
    private let roles: Roles
    private let file: ShareFile
    private let owned: OwnedTarget
    private let clock: any EngineClock

    init(
        _ target: FileTraffic, _ roles: Roles, _ clock: any EngineClock, limit: Duration = ShareFile.commandLimit
    ) {
        self.target = target
        self.roles = roles
        self.clock = clock
        file = ShareFile(target, clock, limit: limit)
        owned = OwnedTarget(OwnerFile(of: target.path), file: target.path, clock)
    }

    func read() async -> Reading { await look().reading }

    /// - Returns: The reading, and what is wrong where something could not be read.
    private func look() async -> (reading: Reading, complaint: String?) {
        let started = clock.now
        let found = await owned.files.run { [file] in Result { () throws(FileFailure) in try file.number() } }
        // Nothing shows when the program behind the file starts anew, so the file itself counts as the incarnation.
        var instance = Reading.Instance(running: nil, start: .unknown, incarnation: "file")
        var complaint: String?
        switch found {
        case .success(let number)?: note(number, of: target.path, into: &instance)
        case .failure(let failure)?: complaint = failure.message
        case nil: complaint = "\(target.path): \(FileDesk.silence)"
        }
        let kept = instance.running
        if let answer = await file.inForce() {
            instance.start = kept.map { .share($0) } ?? .unknown
            instance.running = nil
            switch answer {
            case .success(let number): note(number, of: target.read[0], into: &instance)
            case .failure(let failure): complaint = failure.message
            }
        } else if kept != nil {
            instance.start = .same
        }
        if instance.running == nil, instance.foreign == nil { instance.incarnation = nil }
        return (Reading(instances: [instance], startedAt: started), complaint)
    }

    /// Notes what was found where a number should be: a share, a text or number of another hand, or nothing.
    private func note(_ number: ShareFile.Number, of place: String, into instance: inout Reading.Instance) {
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
        let (reading, complaint) = await look()
        // Where the user's `read` program shows that the way back is in force, a complaint of the `run` program does
        // not count.
        let isProven = write.kind == .wayBack && !target.read.isEmpty && reading.confirms(write)
        if let error = isProven ? nil : error ?? complaint { return (reading, .refused(error)) }
        if target.read.isEmpty || reading.confirms(write) { return (reading, .done) }
        // The balancer may need a while to follow the file. Until it does, the write counts as accepted, and not as
        // done.
        let isKept = reading.instances[0].start == .share(write.share)
        return (reading, isKept ? .accepted : .refused("the file does not hold what was written"))
    }

    private func raise(
        _ write: TrafficWrite, _ number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> String? {
        // The last look before the effect: a share that another hand has set is left alone, and a driver that lost the
        // lease stops here.
        if let why = await read().objection(to: write) { return why }
        guard await isOurs() else { return "the lease is another driver's, or the journal does not answer" }
        let value = target.number(for: write.share, roles)
        return await owned.locked { [file, owned] in
            let objection: @Sendable () -> String? = { owned.objection(to: number, under: mark) }
            let error = await owned.files.wait { file.write(value, isWanted: objection) }
            CrashPoint.afterWrite.reached()
            if let error { return error }
            if let why = await owned.files.run(objection) ?? FileDesk.silence { return why }
            let complaint = await file.announce(value)
            CrashPoint.beforeReadBack.reached()
            return complaint
        }
    }

    /// The way back does not depend on the lock, nor on a disk that hangs: after a second the user's program is told
    /// the number all the same.
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
        await owned.claim(mark, kind, superseding: superseding) {
            // A program that an earlier driver began has to end before anything is read or written here. A driver that
            // is cancelled while it waits writes nothing any more.
            if kind == .takeover, !target.run.isEmpty { try? await clock.sleep(for: ShareFile.longestRun) }
            return await read()
        }
    }

    func renew(_ mark: OwnerMark) async { await owned.renew() }

    /// Does nothing: the connections belong to whatever program follows the file, and nobody here knows them.
    func drain(_ side: Side) async {}

    func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String? {
        await owned.release(mark, after: ending, roles, of: target.sides) { await read() }
    }
}
