/// One traffic state and its proof.
package struct PlanStep: Hashable, Sendable {
    package var name: String?
    /// The canary's share; where the file asks for one that the target cannot give, the nearest one that it can.
    package var weight: Weight
    /// What the file asks for, where that is another share.
    package var asked: Weight?
    package var hold: Hold
    package var approval: Approval?
    /// Runs before the share is asked for; where it fails, the traffic goes back.
    package var run: CommandAction?

    package init(name: String? = nil, weight: Weight, hold: Hold = Hold(.zero), approval: Approval? = nil) {
        self.name = name
        self.weight = weight
        self.hold = hold
        self.approval = approval
    }
}
