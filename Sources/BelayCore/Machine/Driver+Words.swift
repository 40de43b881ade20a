/// What a driver and its shell say to each other.
extension Driver {
    /// Something that the shell does in the world.
    package enum Job: Hashable, Sendable {
        case traffic(TrafficWrite)
        case action(Work.Action)
        case measure(Int)
        case read
    }

    /// One try at a job. Its number grows with each, so that of two writes to the router the later one is known.
    package struct Attempt: Hashable, Sendable {
        package let number: Int
        package let job: Job

        package init(number: Int, job: Job) {
            self.number = number
            self.job = job
        }

        package var isWrite: Bool { if case .traffic = job { true } else { false } }

        /// The action that it is a try at.
        var run: ActionRun? {
            guard case .action(let action) = job else { return nil }
            return action.run
        }

        /// Whether it runs a program of the user's, or the target's own work: what may take long.
        package var isProgram: Bool {
            guard case .action(let action) = job else { return false }
            switch action.deed {
            case .command, .own: return true
            case .claim, .handOver, .drain, .release: return false
            }
        }

        /// Whether it changes something at the router, or the mark there, and so ends within seconds.
        package var isAtRouter: Bool {
            switch job {
            case .traffic: true
            case .action: !isProgram
            case .measure, .read: false
            }
        }
    }

    /// Events that must be durable before anything follows from them.
    package struct Append: Sendable {
        package let records: [Record]
        /// The journal's length before them; an append at a position already taken is refused.
        package let after: Int
        /// Whether it belongs to the way back: then it must not wait long for a busy journal.
        package let isWayBack: Bool

        package init(records: [Record], after: Int, isWayBack: Bool) {
            self.records = records
            self.after = after
            self.isWayBack = isWayBack
        }
    }

    /// An event with its time by the driver's clock.
    package struct Record: Hashable, Sendable {
        package let event: Event
        package let at: Timestamp

        package init(event: Event, at: Timestamp) {
            self.event = event
            self.at = at
        }
    }

    /// What follows from an input.
    package enum Taken: Sendable {
        case nothing
        case refused(String)
        case append(Append)
    }

    /// Why events could not be made durable.
    package enum AppendFailure: Hashable, Sendable {
        /// Another holder has the lease, or the position is taken.
        case fenced(String)
        /// The journal cannot be written now.
        case unavailable(String)
    }

    /// Why this driver has nothing more to do.
    package enum End: Hashable, Sendable {
        case finished(Outcome)
        /// Somebody else drives now.
        case superseded(String)
        /// The way back is not confirmed; its intent stays for the next driver.
        case needsAttention(String)
    }
}
