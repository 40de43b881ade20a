/// Bugs that are planted between the driver and its world. With any of them switched on a law must be seen to break:
/// that proves that the simulation would find such a bug.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// Law 1: the work starts before its intent is durable.
    case weightBeforeIntent
    /// Law 7: an append that failed is taken for written.
    case failedAppendTakenForWritten
    /// Law 1: an action begins before its beginning is durable.
    case actionBeforeItsBeginning
    /// Law 1: a hook whose driver died is run once more, though its file says otherwise.
    case hookRunTwice
    /// Law 3: stable's version is stopped before the last hold is over.
    case retireBeforeLastHold
    /// Law 2: the traffic comes home while stable is still being brought to the new version.
    case homeBeforeReady
    /// Law 7: a version that the target itself brought up is not stopped at the end.
    case canaryLeftBehind
    /// Law 2: the router is asked for more than the step's share.
    case moreThanAsked
    /// Law 3: the way back is taken for confirmed without a reading.
    case abortWithoutConfirmation
    /// Law 3: a person's abort waits until the router answers again.
    case abortWaitsForRouter
    /// Law 4: a hold counts through a gap.
    case holdCountedThroughGap
    /// Law 4: while the router fails, verdicts are dropped.
    case routerErrorHidesVerdict
    /// Law 4: a metric that is only tried out takes the traffic back.
    case dryRunJudged
    /// Law 5: a measurement that began before the confirmation passes a step.
    case staleMeasurementAccepted
    /// Law 5: a store that is behind is taken for the present.
    case ageIgnored
    /// Law 5: a write that the target accepted is taken for confirmed without a reading.
    case acceptedTakenForConfirmed
    /// Law 5: what was written is taken for what serves.
    case patchTakenForEndpoints
    /// Law 5: no data is taken for success.
    case noDataIsSuccess
    /// Law 5: a step passes while a comparison is suspicious.
    case suspicionIgnored
    /// Law 6: appends are not checked against the epoch.
    case epochNotChecked
    /// Law 6: what a target does by itself bears no epoch, so that it does it for a driver that slept, too.
    case writeWithoutEpoch
    /// Law 6: the router's versions are ignored, so that a late commit takes effect.
    case lateCommitNotFenced
    /// Law 3: a driver that slept writes the map's file after its mark was taken.
    case lateFileWrite
    /// Law 3: a forward write that the way back supersedes goes on; nobody waits for it, nobody looks once more at the end.
    case supersededWriteForgotten
    /// Law 7: recovery forgets an event.
    case eventForgottenInRecovery
    /// Law 7: what was found before the release is not written down before the first write, so that whoever comes after a crash
    /// does not know it.
    case originalsLost
    /// Law 8: another hand's share is overwritten.
    case outsideHandOverwritten
    /// Law 9: a command that comes twice is obeyed twice.
    case commandObeyedTwice
    /// Law 9: a promote aimed at an earlier wait ends the present one.
    case promoteAimIgnored
    /// Law 10: events carry the raw clock, which may run back.
    case clockRunsBack

    /// The law that has to be seen to break.
    package var law: Int {
        switch self {
        case .weightBeforeIntent, .actionBeforeItsBeginning, .hookRunTwice: 1
        case .moreThanAsked, .homeBeforeReady: 2
        case .abortWithoutConfirmation, .abortWaitsForRouter, .lateFileWrite, .supersededWriteForgotten,
            .retireBeforeLastHold:
            3
        case .holdCountedThroughGap, .routerErrorHidesVerdict, .dryRunJudged: 4
        case .acceptedTakenForConfirmed, .patchTakenForEndpoints, .staleMeasurementAccepted, .ageIgnored,
            .noDataIsSuccess, .suspicionIgnored:
            5
        case .epochNotChecked, .lateCommitNotFenced, .writeWithoutEpoch: 6
        case .failedAppendTakenForWritten, .eventForgottenInRecovery, .canaryLeftBehind, .originalsLost: 7
        case .outsideHandOverwritten: 8
        case .commandObeyedTwice, .promoteAimIgnored: 9
        case .clockRunsBack: 10
        }
    }
}
