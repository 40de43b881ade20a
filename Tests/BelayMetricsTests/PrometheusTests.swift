import BelayCore
import BelayDemo
import Testing

@testable import BelayHTTP
@testable import BelayMetrics

@Suite("Prometheus' answers")
struct PrometheusTests {
    private func answer(_ status: Int, _ body: String) -> MetricAnswer {
        PrometheusProvider.answer(of: HTTPResponse(status: status, body: Array(body.utf8), retryAfter: nil))
    }

    private func success(_ type: String, _ result: String) -> MetricAnswer {
        answer(200, #"{"status":"success","data":{"resultType":"\#(type)","result":\#(result)}}"#)
    }

    @Test func `scalar, vector and matrix give numbers`() {
        #expect(success("scalar", #"[1700000000.1,"10"]"#) == .scalar(10))
        #expect(
            success("vector", #"[{"metric":{},"value":[1,"10"]},{"metric":{},"value":[1,"11"]}]"#) == .list([10, 11]))
        #expect(
            success("matrix", #"[{"metric":{},"values":[[1,"11"],[2,"12"]]},{"metric":{},"values":[[1,"13"]]}]"#)
                == .list([11, 12, 13]))
        #expect(success("vector", "[]") == .list([]))
        #expect(success("vector", #"[{"value":[1,"+Inf"]},{"value":[1,"-Inf"]}]"#) == .list([.infinity, -.infinity]))
        #expect(success("scalar", #"[1,"NaN"]"#).text == "NaN")
    }

    /// Argo logs warnings and goes on.
    @Test(
        "vector 41: an answer that says it is incomplete is no data, whatever the store's way",
        arguments: [
            #""warnings":["receive series from store: context deadline exceeded"]"#, #""isPartial":true"#,
            #""infos":["PromQL info: x"],"warnings":["PromQL warning: y","no StoreAPIs matched"]"#,
        ])
    func incomplete(words: String) {
        let body = #"{"status":"success","data":{"resultType":"scalar","result":[1,"10"]},\#(words)}"#
        guard case .noData(let message) = answer(200, body) else {
            Issue.record("taken for whole: \(body)")
            return
        }
        #expect(message.hasPrefix("the server says that its answer is incomplete: "))
        let response = HTTPResponse(status: 200, body: Array(body.utf8), retryAfter: nil)
        let ignored = ["context deadline", "isPartial", "no StoreAPIs"]
        #expect(PrometheusProvider.answer(of: response, ignoring: ignored) == .scalar(10))
    }

    @Test func `infos and PromQL's own warnings are about the query`() {
        let words =
            #""infos":["metric might not be a counter"],"warnings":["PromQL warning: bucket label \"le\" is missing"]"#
        let body = #"{"status":"success","data":{"resultType":"scalar","result":[1,"10"]},\#(words)}"#
        #expect(answer(200, body) == .scalar(10))
    }

    @Test func `5xx and 429 are no data, 4xx and what is not the API's are errors`() {
        for status in [500, 502, 503, 429] {
            guard case .noData = answer(status, "") else {
                Issue.record("\(status)")
                continue
            }
        }
        for (status, body) in [
            (400, #"{"status":"error","errorType":"bad_data","error":"parse error"}"#), (404, ""), (200, "<html>"),
            (200, "{}"),
            (200, #"{"status":"error","error":"x"}"#), (302, ""),
        ] {
            guard case .error = answer(status, body) else {
                Issue.record("\(status) \(body)")
                continue
            }
        }
        guard case .error(let message) = answer(400, #"{"error":"parse error at char 5"}"#) else { return }
        #expect(message.contains("parse error at char 5"))
    }

    @Test func `a secret that cannot be resolved is an error that names the reference`() async throws {
        let client = HTTPClient()
        defer { client.shutdown() }
        var metric = Metric(name: "m", query: PrometheusQuery(address: "http://127.0.0.1:1", query: "up"))
        metric.prometheus!.server.bearer = "env:BELAY_TEST_TOKEN"
        let missing = await MetricProviders(client: client, environment: [:]).measure(
            metric, at: .init(milliseconds: 1)
        ).answer
        #expect(missing == .error("env:BELAY_TEST_TOKEN: the variable is not set"))
        // With the secret there, nobody answers at that port: no data, and not a word of the secret.
        let environment = ["BELAY_TEST_TOKEN": "s3cret"]
        guard
            case .noData(let message) = await MetricProviders(client: client, environment: environment).measure(
                metric, at: .init(milliseconds: 1)
            ).answer
        else {
            Issue.record("an answer from nowhere")
            return
        }
        #expect(!message.contains("s3cret"))
    }

    @Test
    func
        `vector 42: bearer, basic and further headers are sent, and a server that echoes them teaches nobody the secret`()
        async throws
    {
        let port = try CannedPort { head in
            if head.contains("Authorization: Bearer s3cret\r\n"), head.contains("X-Scope-OrgID: team-a\r\n") {
                let body = #"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#
                return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            return "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: \(head.utf8.count)\r\n\r\n\(head)"
        }
        let client = HTTPClient()
        defer { client.shutdown() }
        let provider = MetricProviders(
            client: client, environment: ["TOKEN": "s3cret\n", "WRONG": "wr0ng", "PASSWORD": "pa55", "TEAM": "team-a"])
        var metric = Metric(
            name: "m", query: PrometheusQuery(address: "http://127.0.0.1:\(port.number)/", query: "up + 1"))
        metric.prometheus!.server.headers = [.init(name: "X-Scope-OrgID", value: "env:TEAM")]
        metric.prometheus!.server.bearer = "env:TOKEN"
        #expect(await provider.measure(metric, at: .init(milliseconds: 1)).answer == .scalar(7))
        #expect(port.requests.first?.contains("query=up%20%2B%201") == true)
        metric.prometheus!.server.bearer = "env:WRONG"
        let refused = await provider.measure(metric, at: .init(milliseconds: 2)).answer
        #expect(refused == .error("401, credentials missing or refused"))
        (
            metric.prometheus!.server.bearer, metric.prometheus!.server.basicUser,
            metric.prometheus!.server.basicPassword
        ) = (nil, "belay", "env:PASSWORD")
        guard case .error(let message) = await provider.measure(metric, at: .init(milliseconds: 3)).answer else {
            Issue.record("not refused")
            return
        }
        #expect(!message.contains("pa55"))
        #expect(port.requests.last?.contains("Authorization: Basic YmVsYXk6cGE1NQ==\r\n") == true)
    }

    @Test func `a string has no numbers, a broken sample is an error`() {
        for answer in [
            success("string", #"[1,"x"]"#), success("scalar", #"[1,"abc"]"#), success("vector", #"[{"value":[1]}]"#),
        ] {
            guard case .error = answer else {
                Issue.record("\(answer)")
                continue
            }
        }
    }
}
