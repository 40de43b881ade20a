// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "belay",
    products: [
        .executable(name: "belay", targets: ["belay"]),
        // For the acceptance tests: holds a call of the program.
        .library(name: "belay-hold", type: .dynamic, targets: ["CHold"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.5.0"),
        // For the API double's server alone: nothing of them is in the program.
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CHold", path: "Tests/CHold"),
        .target(name: "CSignals"),
        .target(name: "CSignalsAtStart", dependencies: ["CSignals"]),
        .target(name: "BelayCore", swiftSettings: strict),
        .target(name: "BelayAnalysis", dependencies: ["BelayCore"], swiftSettings: strict),
        .target(name: "BelayPlatform", dependencies: ["BelayCore", yams], swiftSettings: strict),
        .target(name: "BelayReport", dependencies: ["BelayCore", "BelayPlatform"], swiftSettings: strict),
        .target(
            name: "BelayEngine", dependencies: ["BelayCore", "BelayAnalysis", "BelayPlatform"], swiftSettings: strict),
        .target(name: "BelayHTTP", dependencies: ["BelayCore", "BelayPlatform", "CCurl"], swiftSettings: strict),
        .target(name: "BelayCommands", dependencies: [subprocess, system], swiftSettings: strict),
        .target(
            name: "BelayMetrics",
            dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "BelayHTTP", "BelayCommands"],
            swiftSettings: strict),
        .target(
            name: "BelayJournal", dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "CCrypto", grdb],
            swiftSettings: strict),
        .target(
            name: "BelayRouters", dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "BelayCommands"],
            swiftSettings: strict),
        .target(
            name: "BelayKubernetes",
            dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "BelayHTTP", "BelayCommands"],
            swiftSettings: strict),
        .target(name: "BelaySpec", dependencies: ["BelayCore", "BelayAnalysis", yams], swiftSettings: strict),
        .target(name: "BelayDemo", dependencies: ["BelayPlatform", subprocess, system], swiftSettings: strict),
        .target(
            name: "BelayCLI",
            dependencies: [
                "BelayCore", "BelayAnalysis", "BelayPlatform", "BelaySpec", "BelayEngine", "BelayJournal", "BelayHTTP",
                "BelayRouters", "BelayKubernetes", "BelayMetrics", "BelayReport", "BelayDemo", "CSignals", arguments,
            ],
            resources: [.embedInCode("strategies"), .embedInCode("analysis-templates")], swiftSettings: strict),
        .target(
            name: "BelayTestSupport", dependencies: ["BelayCore", "BelayAnalysis", "BelayPlatform", "BelayEngine"],
            swiftSettings: strict
        ),
        .target(
            name: "BelayKubernetesDouble", dependencies: ["BelayCore", "BelayPlatform"], swiftSettings: strict),
        .target(
            name: "BelayKubernetesServer",
            dependencies: [
                "BelayCore", "BelayPlatform", "BelayKubernetesDouble", subprocess, system,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "belay-kube-double", dependencies: ["BelayCore", "BelayKubernetesDouble", "BelayKubernetesServer"],
            path: "Sources/BelayKubeDouble", swiftSettings: strict),
        .executableTarget(
            name: "belay-soak",
            dependencies: ["BelayTestSupport", "BelayAnalysis", "BelayCore", "BelayPlatform", "BelayKubernetes"],
            path: "Sources/BelaySoak", swiftSettings: strict),
        .executableTarget(
            name: "belay-bench",
            dependencies: [
                "BelayCore", "BelayAnalysis", "BelayPlatform", "BelayEngine", "BelayJournal", "BelayDemo",
                "BelayTestSupport", "BelayKubernetes", "BelayKubernetesDouble", "BelayKubernetesServer",
            ],
            path: "Benchmarks",
            swiftSettings: strict),
        .executableTarget(name: "belay", dependencies: ["BelayCLI", "CSignalsAtStart"], swiftSettings: strict),
        .testTarget(name: "BelayCoreTests", dependencies: ["BelayCore"], swiftSettings: strict),
        .testTarget(name: "BelaySimulationTests", dependencies: ["BelayTestSupport"], swiftSettings: strict),
        .testTarget(name: "BelayTidyTests", swiftSettings: strict),
        .testTarget(
            name: "BelayAnalysisTests",
            dependencies: ["BelayCore", "BelayAnalysis", "BelayPlatform", "BelayTestSupport"],
            exclude: ["Vectors"],
            swiftSettings: strict),
        .testTarget(
            name: "BelayReportTests", dependencies: ["BelayCore", "BelayPlatform", "BelayReport"], swiftSettings: strict
        ),
        .testTarget(name: "BelaySpecTests", dependencies: ["BelayCore", "BelaySpec"], swiftSettings: strict),
        .testTarget(
            name: "BelayEngineTests",
            dependencies: ["BelayAnalysis", "BelayCore", "BelayPlatform", "BelayEngine", "BelayTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "BelayJournalTests",
            dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "BelayJournal", grdb],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "BelayRoutersTests",
            dependencies: ["BelayCore", "BelayPlatform", "BelayEngine", "BelayRouters", "BelayTestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "BelayKubernetesTests",
            dependencies: [
                "BelayCore", "BelayPlatform", "BelayHTTP", "BelayKubernetes", "BelayKubernetesDouble",
                "BelayKubernetesServer", "belay", subprocess, system,
            ],
            exclude: ["Recordings", "Peers", "compared-fields.txt"], swiftSettings: strict),
        .testTarget(name: "BelayAcceptanceTests", dependencies: ["BelayDemo", "belay"], swiftSettings: strict),
        .testTarget(
            name: "BelayHTTPTests", dependencies: ["BelayHTTP", "BelayPlatform", "BelayDemo"], swiftSettings: strict),
        .testTarget(
            name: "BelayCLITests",
            dependencies: [
                "BelayCLI", "BelayCore", "BelayPlatform", "BelayEngine", "BelayJournal", "BelaySpec",
                "BelayTestSupport", arguments,
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "BelayMetricsTests",
            dependencies: ["BelayCore", "BelayPlatform", "BelayDemo", "BelayEngine", "BelayHTTP", "BelayMetrics"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
