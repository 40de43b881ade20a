internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// A program of the user's before its release's roles are known.
struct CommandUse {
    /// With `{{…}}` in its arguments.
    var action: CommandAction
    let reader: SpecReader

    /// - Parameter facts: What `{{…}}` stands for.
    /// - Returns: The action; nil, and an issue, where a placeholder has no value.
    func bound(to facts: [String: String], _ issues: inout [SpecIssue]) -> CommandAction? {
        let placeholders = Placeholders(facts)
        var action = action
        do throws(Placeholders.Failure) {
            for index in action.arguments.indices {
                action.arguments[index] = try placeholders.fill(action.arguments[index])
            }
            return action
        } catch {
            issues.append(reader.issue(error.message))
            return nil
        }
    }
}
