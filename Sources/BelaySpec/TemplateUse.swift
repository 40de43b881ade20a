/// One use of an analysis template: whose text it is, and the arguments given.
struct TemplateUse {
    /// The template's file and those it takes in (`templates`), each once; empty where the template stands in place.
    let sources: [SpecSource]
    let inline: SpecReader?
    let arguments: [(key: String, value: SpecReader)]
    /// The place where the template is used; mistakes in the arguments are reported there.
    let reader: SpecReader
    /// Rules of the user's beside those of the template.
    var dryRun: SpecReader?
    var retention: SpecReader?
}
