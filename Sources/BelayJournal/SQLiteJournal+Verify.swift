internal import BelayCore
package import BelayEngine
internal import GRDB

extension SQLiteJournal {
    /// Checks the chains, the rows beside them, and what later rollouts hold about the ends of earlier ones.
    ///
    /// It finds an event that was changed, removed or put between others; events that were cut off at the end, even all
    /// of them; and a row that says something else than its events. It does not find a chain that was built anew from
    /// its beginning, together with all that came later. The head that a run has printed shows that, too.
    package func verify(_ ids: [String]) throws(JournalFailure) -> [Verification] {
        var found: [Verification] = []
        var ends: [Event.Started.End] = []
        for id in ids {
            let (verification, previous) = try verify(id)
            found.append(verification)
            if let previous { ends.append(previous) }
        }
        for end in ends {
            if let index = found.firstIndex(where: { $0.rollout == end.rollout }) {
                guard found[index].length != end.length || found[index].head != end.head else { continue }
                found[index].problems.append(
                    "a later start holds its end: \(end.length) events, head \(end.head.prefix(12)); "
                        + "there are \(found[index].length), head \(found[index].head.prefix(12))")
            } else if ids.count > 1 {
                found.append(
                    Verification(rollout: end.rollout, problems: ["it is gone, and a later start holds its end"]))
            }
        }
        return found
    }

    private func verify(_ id: String) throws(JournalFailure) -> (Verification, previous: Event.Started.End?) {
        let records = try records(of: id)
        var found = Verification(rollout: id, head: records.last?.hash ?? "", length: records.count)
        var hash: [UInt8] = []
        for (index, record) in records.enumerated() {
            hash = Chain.hash(
                after: hash, rollout: id, position: record.position, time: record.at.milliseconds, name: record.name,
                payload: record.payload)
            if Chain.text(hash) != record.hash || record.position != index {
                found.problems.append(
                    index == record.position
                        ? "event \(record.position) was changed after it was written"
                        : "event \(index) is missing")
                break
            }
        }
        guard case .started(let started)? = records.first?.event else {
            found.problems.append(records.isEmpty ? "its events are gone" : "its beginning cannot be read")
            return (found, nil)
        }
        found.problems += try Self.forgeries(try find(id), started, records)
        return (found, started.previous)
    }

    /// Where the row beside the chain says something else than the chain.
    private static func forgeries(
        _ row: RolloutSummary, _ started: Event.Started, _ records: [StoredRecord]
    ) throws(JournalFailure) -> [String] {
        var problems: [String] = []
        func check(_ name: String, _ said: String, _ true: String) {
            if said != `true` { problems.append("its row says \(name) `\(said)`, its events say `\(`true`)`") }
        }
        let plan = started.plan
        check("name", row.name, plan.name)
        check("revision", row.revision, plan.revision)
        check("target", row.target, plan.target.identity)
        check("start", "\(row.started.milliseconds)", "\(records.first?.at.milliseconds ?? 0)")
        let last = records.last
        if case .finished(let outcome)? = last?.event {
            check("outcome", row.outcome ?? "none", outcome.summary)
            check("end", "\(row.finished?.milliseconds ?? 0)", "\(last?.at.milliseconds ?? 0)")
        } else if row.finished != nil || row.outcome != nil {
            problems.append(
                "its row says that it ended (\(row.outcome ?? "")), and the event of its end is not there")
        }
        return problems
    }

    /// Where a head that was printed stands now.
    package enum HeadPlace: Hashable, Sendable {
        case end(of: String)
        /// The rollout has gone on by so many events since.
        case inside(String, eventsSince: Int)
    }

    /// - Parameter head: As a run printed it, or its first twelve digits or more.
    /// - Returns: nil where no chain has it.
    package func place(ofHead head: String) throws(JournalFailure) -> HeadPlace? {
        let digits = head.lowercased()
        return try read { db in
            let sql = """
                SELECT rollout, position, (SELECT MAX(position) FROM events AS all_ WHERE all_.rollout = events.rollout) AS last
                FROM events WHERE lower(hex(hash)) LIKE ? LIMIT 1
                """
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [digits + "%"]) else { return nil }
            let (rollout, position, last): (String, Int, Int) = (row[0], row[1], row[2])
            return position == last ? .end(of: rollout) : .inside(rollout, eventsSince: last - position)
        }
    }
}
