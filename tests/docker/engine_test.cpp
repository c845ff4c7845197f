// Against a real engine: ENVBUILD_TEST_DOCKER_HOST names it (scripts/test sets it). Run with test_docker "[engine]" or
// "[.engine]".
#include "docker/engine.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/strings.hpp"

using namespace envbuild;
using namespace envbuild::docker;
using namespace std::chrono_literals;
using Kind = BuildEvent::Kind;

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: start the test site first");
    return value;
}

Endpoint endpoint() {
    return value_or_throw(Endpoint::parse(variable("ENVBUILD_TEST_DOCKER_HOST")));
}

// A static program that does what its arguments say: there is no shell in an image made from nothing.
const std::string& program() {
    static const std::string bytes = [] {
        const TempDir folder("envbuild-docker");
        write_file_atomic(folder.path() / "p.c", R"(
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (!strncmp(argv[i], "out:", 4)) { puts(argv[i] + 4); fflush(stdout); }
        else if (!strncmp(argv[i], "err:", 4)) { fputs(argv[i] + 4, stderr); fputc('\n', stderr); }
        else if (!strncmp(argv[i], "env:", 4)) { puts(getenv(argv[i] + 4)); fflush(stdout); }
        else if (!strncmp(argv[i], "cat:", 4)) { FILE* f = fopen(argv[i] + 4, "r"); int c; if (!f) return 9; while ((c = getc(f)) != EOF) putchar(c); }
        else if (!strncmp(argv[i], "sleep:", 6)) sleep(atoi(argv[i] + 6));
        else if (!strncmp(argv[i], "exit:", 5)) return atoi(argv[i] + 5);
    }
    return 0;
}
)");
        const auto out = (folder.path() / "p").string();
        const auto result = run_process({"cc", "-static", "-O1", "-s", "-o", out, (folder.path() / "p.c").string()}, "",
                                        std::chrono::minutes(2), CancelToken());
        if (result.exit_code != 0) throw std::runtime_error("cc: " + result.err);
        return read_file(out);
    }();
    return bytes;
}

// POSIX ustar, IEEE Std 1003.1.
std::string tar_entry(const std::string& name, const std::string& bytes, const char* mode) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    char size[12];
    (void)std::snprintf(size, sizeof size, "%011zo", bytes.size());
    put(0, name);
    put(100, mode);
    put(108, "0000000");
    put(116, "0000000");
    put(124, std::string(size, 11));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    char checksum[8];
    (void)std::snprintf(checksum, sizeof checksum, "%06o", sum);
    put(148, std::string(checksum, 7));
    return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

class StringSource : public BodySource {
  public:
    explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
    std::size_t read(char* buffer, std::size_t size) override {
        const auto got = bytes_.copy(buffer, size, position_);
        position_ += got;
        return got;
    }

  private:
    std::string bytes_;
    std::size_t position_ = 0;
};

std::shared_ptr<BodySource> tar(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string bytes;
    for (const auto& [name, content] : files) bytes += tar_entry(name, content, "0000755");
    return std::make_shared<StringSource>(bytes + std::string(1024, '\0'));
}

BuildRequest build_of(const std::string& steps, Builder builder) {
    BuildRequest build;
    build.context = tar({{"Dockerfile", "FROM scratch\nCOPY prog /prog\n" + steps}, {"prog", program()}});
    build.builder = builder;
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

std::string unique(const std::string& name) {
    static int count = 0;
    return "envbuild-test/" + name + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

// Asks the engine without Engine.
Json ask(const std::string& path) {
    HttpClient client({}, {});
    HttpRequest get;
    get.url = value_or_throw(Url::parse(endpoint().url().origin().to_string() + "/v1.41" + path));
    get.unix_socket = endpoint().unix_socket();
    return value_or_throw(Json::parse(client.send(get).body));
}

bool is_running(const std::string& mark) {
    for (const auto& container : ask("/containers/json?all=1").as_array()) {
        if (container.string_or("Command", "").find(mark) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("A real engine answers", "[.][engine]") {
    Engine engine(endpoint(), {}, {});
    CHECK(engine.negotiate().os_type == "linux");
    CHECK_FALSE(engine.version().string_or("Version", "").empty());
    CHECK_FALSE(engine.info().string_or("OSType", "").empty());
}

TEST_CASE("An image is built, inspected, tagged, exported, loaded and removed", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    Engine engine(endpoint(), {}, {});
    const auto name = unique("good");
    // It stays a second: of a process that ends at once a busy engine of 20.10 can lose what it wrote.
    auto build = build_of("RUN [\"/prog\", \"out:one\", \"err:two\", \"out:three\", \"sleep:1\"]\nENV GREETING=hello\n",
                          builder);
    build.tags = {name + ":1"};
    build.labels = {{"org.example.a", "b c"}};
    build.no_cache = true;
    std::vector<std::string> log;
    std::vector<Kind> kinds;
    const auto result = engine.build(build, [&](const BuildEvent& event) {
        if (event.kind == Kind::Log) log.push_back(event.text);
        kinds.push_back(event.kind);
    });
    CHECK(result.builder == builder);
    for (const auto* text : {"one", "two", "three"}) CHECK(std::count(log.begin(), log.end(), text) == 1);
    CHECK(std::count(kinds.begin(), kinds.end(), Kind::StepBegan) >= 2);
    CHECK(std::count(kinds.begin(), kinds.end(), Kind::StepFailed) == 0);

    const auto image = engine.inspect_image(name + ":1");
    CHECK(image.id == result.image_id.to_string());
    CHECK(image.os == "linux");
    CHECK(image.diff_ids.size() >= 1);
    CHECK(image.config["Labels"].string_or("org.example.a", "") == "b c");
    CHECK_THAT(image.config["Env"].dump(), Catch::Contains("GREETING=hello"));

    engine.tag_image(image.id, name, "2");
    CHECK(engine.inspect_image(name + ":2").id == image.id);
    std::string exported;
    engine.export_image(name + ":1", [&](std::string_view bytes) { exported += bytes; });
    CHECK(exported.size() > program().size());
    engine.remove_image(name + ":1");
    engine.remove_image(name + ":2");
    CHECK_FALSE(engine.find_image(name + ":1"));
    engine.load_images(std::make_shared<StringSource>(exported));
    CHECK(engine.inspect_image(name + ":1").id == image.id);
    engine.remove_image(name + ":1", true);
    CHECK(error_of([&] { engine.remove_image(name + ":1"); }).kind() == ErrorKind::NotFound);
}

TEST_CASE("The second build of the same comes from the cache", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    Engine engine(endpoint(), {}, {});
    const std::string steps = "RUN [\"/prog\", \"out:" + unique("cache") + "\"]\n";
    const auto first = engine.build(build_of(steps, builder), {});
    std::vector<std::string> cached;
    const auto second = engine.build(build_of(steps, builder), [&](const BuildEvent& event) {
        if (event.kind == Kind::StepCached && !event.is_internal) cached.push_back(event.name);
    });
    CHECK(second.image_id == first.image_id);
    CHECK(cached.size() == 2);
    engine.remove_image(first.image_id.to_string(), true);
}

TEST_CASE("A failing step stops the build and is told with its output", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    Engine engine(endpoint(), {}, {});
    const auto mark = unique("bad");
    const auto error = error_of(
        [&] { (void)engine.build(build_of("RUN [\"/prog\", \"err:" + mark + "\", \"exit:7\"]\n", builder), {}); });
    CHECK(error.kind() == ErrorKind::BuildFailed);
    CHECK_THAT(error.message(),
               Catch::Contains("RUN [\"/prog\"") && Catch::Contains("exit code 7") && Catch::EndsWith("\n    " + mark));
    CHECK_FALSE(is_running(mark));
}

TEST_CASE("A Dockerfile with a mistake is a failed build that says where", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    Engine engine(endpoint(), {}, {});
    const auto error = error_of([&] { (void)engine.build(build_of("NOSUCH x\n", builder), {}); });
    CHECK(error.kind() == ErrorKind::BuildFailed);
    CHECK_THAT(error.message(), Catch::Contains("unknown instruction: NOSUCH"));
}

TEST_CASE("Steps have no network unless asked for", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    Engine engine(endpoint(), {}, {});
    const auto routes = [&](const std::string& mode) {
        auto build = build_of("RUN [\"/prog\", \"cat:/proc/net/dev\"]\n", builder);
        build.network_mode = mode;
        build.no_cache = true;
        std::string devices;
        const auto image = engine.build(build, [&](const BuildEvent& event) {
            if (event.kind == Kind::Log) devices += event.text + "\n";
        });
        engine.remove_image(image.image_id.to_string(), true);
        return std::count(devices.begin(), devices.end(), ':');
    };
    const auto own = routes("none");
    CHECK(own == 1);
    CHECK(routes("host") >= own);
}

TEST_CASE("A cancelled build ends in the engine, too", "[.][engine]") {
    const auto builder = GENERATE(Builder::Classic, Builder::BuildKit);
    const CancelToken cancel;
    Engine engine(endpoint(), {}, cancel);
    const auto mark = unique("slow");
    const auto error = error_of([&] {
        (void)engine.build(build_of("RUN [\"/prog\", \"out:" + mark + "\", \"sleep:300\"]\n", builder),
                           [&](const BuildEvent& event) {
                               if (event.kind == Kind::Log && event.text == mark) cancel.cancel();
                           });
    });
    CHECK(error.kind() == ErrorKind::Cancelled);
    // The step is a container of the classic builder's and a process of BuildKit's.
    const auto runs = [&] {
        const auto found = run_process({"pgrep", "-f", "out:" + mark}, "", 10s, CancelToken());
        return !trim(found.out).empty();
    };
    for (int i = 0; i < 100 && runs(); ++i) std::this_thread::sleep_for(100ms);
    CHECK_FALSE(runs());
    for (int i = 0; i < 100 && is_running(mark); ++i) std::this_thread::sleep_for(100ms);
    CHECK_FALSE(is_running(mark));
}

TEST_CASE("A container runs, speaks, takes and gives files, and is gone", "[.][engine]") {
    Engine engine(endpoint(), {}, {});
    const auto built = engine.build(build_of("ENV A=from-image\n", Builder::Auto), {});
    const auto image = built.image_id.to_string();
    ContainerSpec spec;
    spec.image = image;
    const auto mark = unique("run");
    SECTION("run") {
        spec.entrypoint = std::vector<std::string>{"/prog"};
        spec.command = {"out:" + mark, "err:bad", "env:A", "env:B", "exit:3"};
        spec.env = {"B=from spec"};
        std::string live;
        const auto result = engine.run(spec, [&](OutputStream, std::string_view bytes) { live += bytes; });
        CHECK(result.exit_code == 3);
        CHECK(result.out == mark + "\nfrom-image\nfrom spec\n");
        CHECK(result.err == "bad\n");
        CHECK(live.size() == result.out.size() + result.err.size());
    }
    SECTION("files") {
        spec.command = {"/prog", "cat:/data.txt"};
        Container container = engine.create_container(spec);
        container.put_archive("/", tar({{"data.txt", mark}}));
        container.start();
        std::string out;
        container.follow_output([&](OutputStream, std::string_view bytes) { out += bytes; });
        CHECK(container.wait() == 0);
        CHECK(out == mark);
        std::string archive;
        container.get_archive("/data.txt", [&](std::string_view bytes) { archive += bytes; });
        CHECK(archive.substr(0, 9) == std::string("data.txt\0", 9));
        CHECK(archive.find(mark) == 512);
        CHECK(error_of([&] { container.get_archive("/absent", [](std::string_view) {}); }).kind() ==
              ErrorKind::NotFound);
    }
    SECTION("cancelled") {
        const CancelToken cancel;
        Engine mortal(endpoint(), {}, cancel);
        spec.command = {"/prog", "out:" + mark, "sleep:300"};
        CHECK(error_of([&] {
                  (void)mortal.run(spec, [&](OutputStream, std::string_view) { cancel.cancel(); });
              }).kind() == ErrorKind::Cancelled);
    }
    SECTION("a program that is not there") {
        spec.command = {"/absent", mark};
        CHECK_THROWS_AS(engine.run(spec), Error);
    }
    SECTION("an image that is not there") {
        spec.image = "envbuild-test/absent:1";
        CHECK(error_of([&] { (void)engine.create_container(spec); }).kind() == ErrorKind::NotFound);
    }
    CHECK_FALSE(is_running(mark));
    engine.remove_image(image, true);
}

TEST_CASE("An image is pulled by digest, with a credential where one is needed", "[.][engine]") {
    Engine engine(endpoint(), {}, {});
    const auto registry = variable("SITE_PRIVATE_REGISTRY");
    const RegistryAuth auth{registry, {variable("SITE_REGISTRY_USER"), Secret(variable("SITE_REGISTRY_PASSWORD"))}, {}};
    const auto name = registry + "/" + unique("private");
    auto build = build_of("", Builder::Auto);
    build.tags = {name + ":1"};
    const auto image = engine.build(build, {}).image_id.to_string();
    HttpClient client({}, {});
    HttpRequest push;
    push.method = "POST";
    push.url =
        value_or_throw(Url::parse(endpoint().url().origin().to_string() + "/v1.41/images/" + name + "/push?tag=1"));
    push.unix_socket = endpoint().unix_socket();
    push.headers["x-registry-auth"] = registry_auth_header(&auth);
    CHECK_THAT(client.send(push).body, !Catch::Contains("error"));
    const auto digests = engine.inspect_image(image).repo_digests;
    REQUIRE(digests.size() == 1);
    engine.remove_image(image, true);

    CHECK(error_of([&] { engine.pull(digests[0], nullptr, silent_reporter()); }).kind() == ErrorKind::Unauthorized);
    engine.pull(digests[0], &auth, silent_reporter());
    CHECK(engine.inspect_image(digests[0]).id == image);
    auto absent = digests[0];
    absent.replace(absent.size() - 4, 4, "0000");
    CHECK(error_of([&] { engine.pull(absent, &auth, silent_reporter()); }).kind() == ErrorKind::NotFound);
    engine.remove_image(image, true);
}
