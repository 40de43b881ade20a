internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import Foundation
internal import Glibc

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
