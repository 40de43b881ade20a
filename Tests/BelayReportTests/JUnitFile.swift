import Foundation
import FoundationXML

/// Reads a JUnit file with a real parser.
final class JUnitFile: NSObject, XMLParserDelegate {
    struct Case {
        let place: String
        let name: String
        var result: String
    }

    private(set) var suite: [String: String]?
    private(set) var cases: [Case] = []
    private(set) var elements: Set<String> = []
    private(set) var error: String?

    init(_ text: String) {
        super.init()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = self
        if !parser.parse() { error = parser.parserError?.localizedDescription ?? "no XML" }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.insert(name)
        switch name {
        case "testsuite": suite = attributes
        case "testcase":
            cases.append(Case(place: attributes["classname"] ?? "", name: attributes["name"] ?? "", result: "passed"))
        case "failure", "error", "skipped": cases[cases.count - 1].result = name
        default: return
        }
    }
}
