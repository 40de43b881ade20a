internal import BelayCore
internal import BelayDemo
internal import BelayEngine
internal import BelayJournal

/// The demo's last table: what the clients saw in each step, whose times are in the journal.
struct DemoTable {
    let lines: [String]

    init(samples: [Load.Sample], store: String) throws {
        let journal = try SQLiteJournal(path: store, access: .operate, clock: WallClock())
        var rows = [["release", "step", "asked", "requests", "no answer", "5xx", "share seen"]]
        var span = ""
        for rollout in try journal.rollouts().reversed() {
            let machine = try journal.machine(of: rollout.id)
            let records = try journal.records(of: rollout.id)
            for interval in Self.intervals(records) {
                let seen = samples.filter { $0.at >= interval.from && $0.at < interval.to }
                let canary = seen.filter { $0.version == rollout.revision }.count
                let share = seen.isEmpty ? "-" : "\((Double(canary) / Double(seen.count) * 1000).rounded() / 10) %"
                rows.append([
                    rollout.revision, interval.name, interval.share.text, "\(seen.count)",
                    "\(seen.filter { $0.status == nil }.count)",
                    "\(seen.filter { $0.status == 500 }.count)", "\(rollout.revision) \(share)",
                ])
            }
            let bad = samples.filter { $0.status == 500 && $0.version == rollout.revision }
            if let first = bad.first, let last = bad.last {
                span =
                    "\(rollout.revision): \(bad.count) bad answers, \(Double(last.at - first.at) / 1000) s from the first to the last one"
            }
            if case .finished(let outcome) = machine.state.phase {
                rows.append([
                    rollout.revision, "end", outcome == .promoted ? "promoted" : "rolled back", "", "", "", "",
                ])
            }
        }
        let failed = samples.filter { $0.status == nil }.count
        lines = Self.aligned(rows) + ["", "\(samples.count) requests sent, \(failed) without an answer", span]
    }

    /// The times in which each share was in force: from its confirmation to the next step, the way back or the end.
    private static func intervals(_ records: [StoredRecord]) -> [(name: String, share: Weight, from: Int64, to: Int64)]
    {
        var found: [(name: String, share: Weight, from: Int64, to: Int64)] = []
        var open: (share: Weight, from: Int64)?
        var step = 0
        func close(_ at: Timestamp) {
            if let begun = open { found.append(("\(step + 1)", begun.share, begun.from, at.milliseconds)) }
            open = nil
        }
        for record in records {
            switch record.event {
            case .stepStarted(let next, _):
                close(record.at)
                step = next
            case .trafficConfirmed(let share, _) where share > .zero: open = open ?? (share, record.at.milliseconds)
            case .wayBackBegan, .finished: close(record.at)
            default: break
            }
        }
        return found
    }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            "  " + zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
    }
}
