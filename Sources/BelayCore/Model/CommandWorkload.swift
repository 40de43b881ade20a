/// Programs that bring the new version to the idle side, and take away what is not needed any more. All may be left out.
package struct CommandWorkload: Hashable, Sendable {
    package var deploy: CommandAction?
    package var awaitReady: CommandAction?
    package var adopt: CommandAction?
    /// Stops the version that has no traffic any more after a promotion: stable's.
    package var retire: CommandAction?
    /// The same after the way back: the canary's.
    package var retireCanary: CommandAction?

    package init() {}

    static var all: [WritableKeyPath<CommandWorkload, CommandAction?>] {
        [\.deploy, \.awaitReady, \.adopt, \.retire, \.retireCanary]
    }
}
