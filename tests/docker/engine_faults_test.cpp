// The engine as a misbehaving server plays it; engine_test.cpp has a real one.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "base/fs.hpp"
#include "docker/engine.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::docker;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

FaultHandler ping(std::string headers =
                      "Api-Version: 1.45\r\nServer: Docker/26.0 (linux)\r\nOstype: linux\r\nBuilder-Version: 2\r\n") {
    return fault::respond(200, "OK", std::move(headers));
}

// Answers the ping, then `handler`.
FaultHandler after_ping(FaultHandler handler) {
    return [=](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target.ends_with("/_ping"))
            ping()(asked, connection);
        else
            handler(asked, connection);
    };
}

Endpoint at(const FaultServer& server) {
    return value_or_throw(Endpoint::parse("tcp://127.0.0.1:" + std::to_string(server.port())));
}

HttpSettings quick() {
    HttpSettings settings;
    settings.retry = {.base_delay = 1ms, .max_delay = 2ms};
    return settings;
}

class Tar : public BodySource {
  public:
    std::size_t read(char* buffer, std::size_t size) override {
        const auto got = bytes_.copy(buffer, size, position_);
        position_ += got;
        return got;
    }

  private:
    std::string bytes_ = std::string(2048, '\0');
    std::size_t position_ = 0;
};

BuildRequest build_request() {
    BuildRequest build;
    build.context = std::make_shared<Tar>();
    return build;
}

Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

}  // namespace

TEST_CASE("The version spoken is the lower of the two") {
    struct Case {
        std::string theirs, spoken;
    };
    const auto [theirs, spoken] = GENERATE(Case{"1.41", "1.41"}, Case{"1.44", "1.44"}, Case{"1.47", "1.47"},
                                           Case{"1.52", "1.47"}, Case{"2.0", "1.47"});
    FaultServer server(fault::in_turn({ping("Api-Version: " + theirs + "\r\n"), fault::respond(200, "{}")}));
    Engine engine(at(server), quick(), {});
    CHECK(engine.negotiate().api_version == spoken);
    (void)engine.info();
    CHECK(server.requests().size() == 2);
    CHECK(server.requests()[1].target == "/v" + spoken + "/info");
}

TEST_CASE("Engines too old and servers that are none are refused") {
    for (const auto* headers : {"Api-Version: 1.40\r\n", "Api-Version: x\r\n", "Api-Version: 1.4a\r\n", ""}) {
        FaultServer server(ping(headers));
        Engine engine(at(server), quick(), {});
        const auto error = error_of([&] { (void)engine.negotiate(); });
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK_THAT(error.message(), Catch::Contains(at(server).to_string()));
    }
}

TEST_CASE("BuildKit is used where the engine offers it") {
    struct Case {
        std::string headers;
        bool offered;
    };
    const std::string version = "Api-Version: 1.41\r\nOstype: linux\r\n";
    const auto [headers, offered] = GENERATE_COPY(Case{version + "Server: Docker/20.10\r\n", true},
                                                  Case{version + "Server: Libpod/4.3.1\r\n", false},
                                                  Case{version + "Server: Docker/26\r\nBuilder-Version: 1\r\n", false},
                                                  Case{version + "Server: Docker/26\r\nBuilder-Version: 2\r\n", true});
    FaultServer server(ping(headers));
    Engine engine(at(server), quick(), {});
    CHECK(engine.negotiate().buildkit == offered);
}

TEST_CASE("No engine, a dead socket, a forbidden one: each is told apart and names the endpoint") {
    const TempDir folder("envbuild-docker");
    const auto socket = (folder.path() / "docker.sock").string();
    const auto ask = [&] {
        Engine engine(value_or_throw(Endpoint::parse("unix://" + socket)), quick(), {});
        return error_of([&] { (void)engine.negotiate(); });
    };
    const auto absent = ask();
    CHECK(absent.kind() == ErrorKind::Transient);
    CHECK_THAT(absent.message(), Catch::Contains("there is no Docker engine at unix://" + socket));
    CHECK_THAT(absent.hint(), Catch::Contains("DOCKER_HOST"));

    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK_THAT(ask().message(), Catch::Contains("no Docker engine answers at unix://" + socket));
    ::close(fd);

    Engine engine(value_or_throw(Endpoint::parse("tcp://127.0.0.1:" + std::to_string(fault::unused_port()))), quick(),
                  {});
    const auto refused = error_of([&] { (void)engine.negotiate(); });
    CHECK(refused.kind() == ErrorKind::Transient);
    CHECK_THAT(refused.to_string(), Catch::Contains(engine.endpoint().to_string()));
    CHECK_THAT(refused.hint(), Catch::Contains("DOCKER_HOST"));
}

TEST_CASE("A build stream that breaks is never a success") {
    const std::string good =
        "{\"stream\":\"Step 1/1 : FROM scratch\\n\"}\n{\"aux\":{\"ID\":\"sha256:" + std::string(64, 'a') + "\"}}\n";
    const auto handler = GENERATE_COPY(
        as<FaultHandler>{}, fault::close_at_once(), fault::reset_after(good, 50), fault::cut_short(good, 50),
        fault::cut_short(good, good.size() - 1), fault::cut_short_without_length(good, 45), fault::html_page(),
        fault::respond(500, R"({"message":"oops"})"), fault::respond(403), fault::chunked_cut_short(good));
    FaultServer server(after_ping(handler));
    Engine engine(at(server), quick(), {});
    CHECK_THROWS_AS(engine.build(build_request(), {}), Error);
    std::size_t builds = 0;
    for (const auto& asked : server.requests()) builds += asked.target.find("/build?") != std::string::npos;
    CHECK(builds == 1);
}

TEST_CASE("What is asked of the engine for a build") {
    FaultServer server(after_ping(fault::respond(200, "{\"aux\":{\"ID\":\"sha256:" + std::string(64, 'a') + "\"}}")));
    Engine engine(at(server), quick(), {});
    auto build = build_request();
    build.tags = {"a/b:1", "c:2"};
    build.labels = {{"k", "v w"}};
    build.build_args = {{"A", "1"}};
    build.builder = Builder::Classic;
    build.auths = {{"h:1", {"u", Secret("p")}, {}}};
    CHECK(engine.build(build, {}).image_id.hex() == std::string(64, 'a'));
    const auto asked = server.requests().back();
    CHECK(asked.target ==
          "/v1.45/build?version=1&dockerfile=Dockerfile&t=a%2Fb%3A1&t=c%3A2&buildargs=%7B%22A%22%3A%221%22%7D&labels="
          "%7B%22k%22%3A%22v%20w%22%7D&networkmode=none&rm=1&forcerm=1");
    CHECK(asked.header("transfer-encoding") == "chunked");
    CHECK(asked.header("content-type") == "application/x-tar");
    CHECK(asked.header("expect").empty());
    CHECK_FALSE(asked.header("x-registry-config").empty());
    CHECK(asked.body.size() == 2048);
}

TEST_CASE("Cancelling a build closes the connection and asks the engine to stop it") {
    FaultServer server(after_ping([](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target.find("/build/cancel") != std::string::npos) return fault::respond(204)(asked, connection);
        connection.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{\"stream\":\"Step 1/1 : \"}\r\n");
        connection.stall();
    }));
    const CancelToken cancel;
    Engine engine(at(server), quick(), cancel);
    std::thread later([&] {
        while (server.requests().size() < 2) std::this_thread::sleep_for(5ms);
        cancel.cancel();
    });
    const auto error = error_of([&] { (void)engine.build(build_request(), {}); });
    later.join();
    CHECK(error.kind() == ErrorKind::Cancelled);
    const auto asked = server.requests();
    REQUIRE(asked.size() == 3);
    const auto at_id = asked[1].target.find("buildid=");
    REQUIRE(at_id != std::string::npos);
    CHECK(asked[2].method == "POST");
    CHECK(asked[2].target == "/v1.45/build/cancel?id=" + asked[1].target.substr(at_id + 8));
}

TEST_CASE("A container is removed whatever happens") {
    std::atomic<bool> hang = false;
    std::atomic<int> unborn = 0;  // so many times there is nothing to remove yet
    FaultServer server(after_ping([&](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.method == "DELETE")
            return fault::respond(unborn-- > 0 ? 404 : 204, R"({"message":"No such container"})")(asked, connection);
        if (asked.target.find("/create") != std::string::npos) {
            if (hang) return connection.stall();
            return fault::respond(201, R"({"Id":"abc","Warnings":[]})")(asked, connection);
        }
        fault::respond(500, R"({"message":"cannot start"})")(asked, connection);
    }));
    const CancelToken cancel;
    Engine engine(at(server), quick(), cancel);
    ContainerSpec spec;
    spec.image = "x";
    SECTION("after a failure") {
        CHECK(error_of([&] { (void)engine.run(spec); }).kind() == ErrorKind::Transient);
        CHECK(server.requests().back().target == "/v1.45/containers/abc?force=1&v=1");
    }
    SECTION("when it was cancelled") {
        {
            const Container container = engine.create_container(spec);
            cancel.cancel();
        }
        CHECK(server.requests().back().target == "/v1.45/containers/abc?force=1&v=1");
    }
    SECTION("when it was cancelled before its name came back") {
        (void)engine.negotiate();
        hang = true;
        unborn = 2;
        std::thread later([&] {
            while (server.requests().size() < 2) std::this_thread::sleep_for(5ms);
            cancel.cancel();
        });
        CHECK(error_of([&] { (void)engine.create_container(spec); }).kind() == ErrorKind::Cancelled);
        later.join();
        const auto asked = server.requests();
        const auto name = asked.at(1).target.substr(asked.at(1).target.find("name=") + 5);
        CHECK(asked.back().method == "DELETE");
        CHECK(asked.back().target == "/v1.45/containers/" + name + "?force=1&v=1");
        // The engine was still creating it when it was first told to remove it.
        CHECK(std::ranges::count(asked, "DELETE", &FaultRequest::method) == 3);
    }
}

TEST_CASE("An image's name may hold a digest wherever the engine listens") {
    FaultServer server(after_ping(fault::respond(200, R"({"Id":"sha256:x","RootFS":{"Layers":[]}})")));
    Engine engine(at(server), quick(), CancelToken());
    CHECK(engine.find_image("127.0.0.1:5000/debian@sha256:0123").has_value());
    CHECK(server.requests().back().target == "/v1.45/images/127.0.0.1:5000/debian%40sha256:0123/json");
}
