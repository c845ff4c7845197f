#include "pypi/metadata_source.hpp"

#include <catch2/catch.hpp>

#include "pypi/index_support.hpp"
#include "support/wheel_writer.hpp"

using namespace envbuild;
using namespace envbuild::pypi;
using testing::error_of;
using testing::make_metadata;
using testing::make_wheel;
using testing::make_zip;
namespace fault = testing::fault;

namespace {

constexpr std::string_view kWheel = "/files/foo-1.0-py3-none-any.whl";
using Strings = std::vector<std::string>;

struct Fixture {
    testing::IndexServer server;
    TempDir folder{"metadata"};
    HttpClient client{testing::quick_retries(), CancelToken()};
    Downloader wheels{client, folder.path() / "wheels", silent_reporter()};
    MetadataSource source{client, wheels, folder.path() / "metadata", silent_reporter()};

    // The file as an index would offer it.
    IndexFile offered(const std::string& bytes, const std::string& beside = "") {
        server.file(std::string(kWheel), bytes);
        IndexFile file;
        file.url = server.parsed(std::string(kWheel));
        file.filename = file.url.filename();
        file.sha256 = sha256(bytes);
        file.size = bytes.size();
        file.has_metadata = !beside.empty();
        if (file.has_metadata) {
            server.file(std::string(kWheel) + ".metadata", beside);
            file.metadata_sha256 = sha256(beside);
        }
        return file;
    }
    Expected<CoreMetadata> asked(const IndexFile& file) { return source.fetch(file, *WheelName::parse(file.filename)); }
    Error thrown(const IndexFile& file) {
        return error_of([&] { [[maybe_unused]] const auto metadata = asked(file); });
    }
    CoreMetadata fetch(const IndexFile& file) { return value_or_throw(asked(file)); }
    std::string why_not(const IndexFile& file) {
        const auto metadata = asked(file);
        REQUIRE_FALSE(metadata);
        CHECK(metadata.error().kind() == ErrorKind::Corrupt);
        return metadata.error().message();
    }
};

std::string requirements(const CoreMetadata& metadata) {
    std::string out;
    for (const auto& requirement : metadata.requires_dist) out += requirement.to_string() + " ";
    return out;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "the metadata beside a wheel is taken where the index has it") {
    const auto file = offered(make_wheel("foo", "1.0"), make_metadata("foo", "1.0", "Requires-Dist: bar>1\n"));
    CHECK(requirements(fetch(file)) == "bar>1 ");
    CHECK(server.asked() == Strings{"GET /files/foo-1.0-py3-none-any.whl.metadata"});
    // It is kept.
    CHECK(requirements(fetch(file)) == "bar>1 ");
    CHECK(server.asked().empty());
}

TEST_CASE_METHOD(Fixture, "metadata with another hash than promised is refused") {
    auto file = offered(make_wheel("foo", "1.0"), make_metadata("foo", "1.0"));
    file.metadata_sha256 = sha256("other");
    const Error error = thrown(file);
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK(error.message().find("and the index promised " + sha256("other").hex()) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "of a wheel only its end is read where the metadata lies there") {
    const auto file = offered(make_wheel("foo", "1.0", "Requires-Dist: bar\n", 300'000));
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked() == Strings{"GET /files/foo-1.0-py3-none-any.whl bytes=-69632"});
}

TEST_CASE_METHOD(Fixture, "metadata at the beginning of a wheel takes one piece more") {
    std::string noise;
    for (int i = 0; i < 300'000; ++i) noise += static_cast<char>((i % 251) * (i % 251) % 251);
    const auto file = offered(
        make_zip({{.name = "foo-1.0.dist-info/METADATA", .bytes = make_metadata("foo", "1.0", "Requires-Dist: bar\n")},
                  {.name = "foo/data", .bytes = noise, .deflated = false}}));
    CHECK(requirements(fetch(file)) == "bar ");
    const auto asked = server.asked();
    REQUIRE(asked.size() == 2);
    CHECK(asked[1].starts_with("GET /files/foo-1.0-py3-none-any.whl bytes=0-"));
}

TEST_CASE_METHOD(Fixture, "a directory that is longer than the first piece is read on") {
    std::vector<testing::ZipPart> members;
    for (int i = 0; i < 2000; ++i)
        members.push_back(
            {.name = "foo/a/rather/long/name/of/a/module/number_" + std::to_string(i) + ".py", .bytes = "x"});
    members.push_back({.name = "foo-1.0.dist-info/METADATA", .bytes = make_metadata("foo", "1.0")});
    const auto file = offered(make_zip(members));
    CHECK(fetch(file).name == "foo");
    CHECK(server.asked().size() == 3);
}

TEST_CASE_METHOD(Fixture, "what the index promised and does not have is read from the wheel") {
    auto file = offered(make_wheel("foo", "1.0", "Requires-Dist: bar\n"));
    file.has_metadata = true;
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked() ==
          Strings{"GET /files/foo-1.0-py3-none-any.whl.metadata", "GET /files/foo-1.0-py3-none-any.whl bytes=-69632"});
    server.on(std::string(kWheel) + ".metadata", fault::respond(500));
    file.sha256 = sha256("another wheel");
    CHECK(error_of([&] { (void)fetch(file); }).kind() == ErrorKind::Transient);
}

TEST_CASE_METHOD(Fixture, "a server without pieces gives the whole wheel, which is kept") {
    const std::string small = make_wheel("foo", "1.0", "Requires-Dist: bar\n");
    const auto file = offered(small);
    server.on(std::string(kWheel), fault::respond(200, small));
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked().size() == 1);

    const std::string large = make_wheel("foo", "1.0", "Requires-Dist: baz\n", 5 << 20);
    auto other = offered(large);
    server.on(std::string(kWheel), fault::respond(200, large));
    CHECK(requirements(fetch(other)) == "baz ");
    CHECK(wheels.find(*other.sha256).has_value());
    other.sha256.reset();
    const Error error = error_of([&] { (void)fetch(other); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK(error.message().find("the index gives no sha256") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a server that sends another piece than asked for is not believed") {
    std::string noise(300'000, 'x');
    const std::string wheel = make_zip({{.name = "foo-1.0.dist-info/METADATA", .bytes = make_metadata("foo", "1.0")},
                                        {.name = "foo/data", .bytes = noise, .deflated = false}});
    auto file = offered(wheel);
    server.on(std::string(kWheel), [&](const testing::FaultRequest& request, testing::FaultConnection& connection) {
        const std::string tail = wheel.substr(wheel.size() - 1000);
        const bool first = request.header("range").starts_with("bytes=-");
        const std::string range =
            first ? std::to_string(wheel.size() - 1000) + "-" + std::to_string(wheel.size() - 1) : "7-1006";
        fault::respond(206, tail, "Content-Range: bytes " + range + "/" + std::to_string(wheel.size()) + "\r\n")(
            request, connection);
    });
    const Error error = thrown(file);
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK(error.message().find("the server sent another piece of the file than asked for") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "pieces that make no sense are no fault of the wheel's where the whole has its hash") {
    const std::string wheel = make_wheel("foo", "1.0", "Requires-Dist: bar\n", 300'000);
    const auto file = offered(wheel);
    const std::string other = make_wheel("bar", "1.0");
    server.on(std::string(kWheel), [&](const testing::FaultRequest& request, testing::FaultConnection& connection) {
        const bool piece = !request.header("range").empty();
        fault::respond(200, piece ? other : wheel)(request, connection);
    });
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked().size() == 2);
    // And without one that has it, the run ends.
    auto another = file;
    another.sha256 = sha256("another wheel");
    CHECK(thrown(another).kind() == ErrorKind::Corrupt);
}

TEST_CASE_METHOD(Fixture, "metadata beside a wheel that nothing vouches for gives way to the wheel's own") {
    auto file = offered(make_wheel("foo", "1.0", "Requires-Dist: bar\n"), "<html>log in</html>");
    file.metadata_sha256.reset();
    CHECK(requirements(fetch(file)) == "bar ");
}

TEST_CASE_METHOD(Fixture, "a wheel whose name and contents disagree is refused") {
    CHECK(why_not(offered(make_wheel("bar", "1.0"))) ==
          "foo-1.0-py3-none-any.whl: the wheel's metadata is in bar-1.0.dist-info, which is not foo 1.0");
    CHECK(why_not(offered(make_wheel("foo", "1.1"))) ==
          "foo-1.0-py3-none-any.whl: the wheel's metadata is in foo-1.1.dist-info, which is not foo 1.0");
    CHECK(why_not(offered(make_zip({{.name = "foo-1.0.dist-info/METADATA", .bytes = make_metadata("bar", "1.0")}}))) ==
          "foo-1.0-py3-none-any.whl: the wheel's metadata is that of bar 1.0");
    CHECK(why_not(offered(make_wheel("foo", "1.0"), make_metadata("foo", "2.0"))) ==
          "foo-1.0-py3-none-any.whl: the wheel's metadata is that of foo 2.0");
    CHECK(why_not(offered(make_zip({{.name = "x", .bytes = ""}}))) ==
          "foo-1.0-py3-none-any.whl: the wheel holds no NAME-VERSION.dist-info/METADATA");
    CHECK(why_not(offered(make_zip({{.name = "foo-1.0.dist-info/METADATA", .bytes = make_metadata("foo", "1.0")},
                                    {.name = "Foo-1.dist-info/METADATA", .bytes = make_metadata("foo", "1.0")}}))) ==
          "foo-1.0-py3-none-any.whl: the wheel holds both foo-1.0.dist-info/METADATA and Foo-1.dist-info/METADATA");
    // Any spelling of the same name and version is the same.
    CHECK(
        fetch(offered(make_zip({{.name = "Foo-1.0.0.dist-info/METADATA", .bytes = make_metadata("FOO", "1")}}))).name ==
        "foo");
}

TEST_CASE_METHOD(Fixture, "a damaged copy counts as absent") {
    const auto file = offered(make_wheel("foo", "1.0"), make_metadata("foo", "1.0", "Requires-Dist: bar\n"));
    (void)fetch(file);
    const std::string hex = file.metadata_sha256->hex();
    const auto copy = folder.path() / "metadata" / "text" / hex.substr(0, 2) / hex;
    std::string text = read_file(copy);
    text.replace(text.find("bar"), 3, "bad");
    write_file_atomic(copy, text);
    CHECK(requirements(fetch(file)) == "bar ");
}

TEST_CASE_METHOD(Fixture, "a wheel on this machine is read where it lies") {
    const auto path = folder.path() / "foo-1.0-py3-none-any.whl";
    write_file_atomic(path, make_wheel("foo", "1.0", "Requires-Dist: bar\n"));
    IndexFile file;
    file.filename = path.filename();
    file.url = Url::from_path(path.string());
    CHECK(requirements(fetch(file)) == "bar ");
}

TEST_CASE_METHOD(Fixture, "absent and forbidden wheels are told by kind") {
    auto file = offered(make_wheel("foo", "1.0"));
    server.on(std::string(kWheel), fault::respond(404));
    CHECK(error_of([&] { (void)fetch(file); }).kind() == ErrorKind::NotFound);
    server.on(std::string(kWheel), fault::respond(401));
    CHECK(error_of([&] { (void)fetch(file); }).kind() == ErrorKind::Unauthorized);
    server.on(std::string(kWheel), fault::html_page());
    CHECK(thrown(file).kind() == ErrorKind::Corrupt);
}

TEST_CASE_METHOD(Fixture, "what one index says of a wheel's hash is not believed of another's") {
    const auto wheel = make_wheel("foo", "1.0", "Requires-Dist: bar\n");
    const auto file = offered(wheel);
    // The same hash, with metadata of their own.
    auto liar = file;
    liar.url = server.parsed("/liar/foo-1.0-py3-none-any.whl");
    liar.has_metadata = true;
    const auto lie = make_metadata("foo", "1.0", "Requires-Dist: evil\n");
    server.file("/liar/foo-1.0-py3-none-any.whl.metadata", lie);
    CHECK(requirements(fetch(liar)) == "evil ");
    auto promising = liar;
    promising.metadata_sha256 = sha256(lie);
    CHECK(requirements(fetch(promising)) == "evil ");
    auto in_pieces = liar;
    in_pieces.url = server.parsed("/pieces/foo-1.0-py3-none-any.whl");
    in_pieces.has_metadata = false;
    server.file("/pieces/foo-1.0-py3-none-any.whl", make_wheel("foo", "1.0", "Requires-Dist: evil\n"));
    CHECK(requirements(fetch(in_pieces)) == "evil ");

    CHECK(requirements(fetch(file)) == "bar ");
    // Each is kept for its own place, and what an index promises now counts before what is kept.
    (void)server.asked();
    CHECK(requirements(fetch(liar)) == "evil ");
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked().empty());
    const auto honest = offered(wheel, make_metadata("foo", "1.0", "Requires-Dist: bar>2\n"));
    CHECK(requirements(fetch(honest)) == "bar>2 ");
}

TEST_CASE_METHOD(Fixture, "what was read out of a whole wheel is known wherever that wheel is offered") {
    const std::string large = make_wheel("foo", "1.0", "Requires-Dist: bar\n", 5 << 20);
    auto file = offered(large);
    server.on(std::string(kWheel), fault::respond(200, large));
    CHECK(requirements(fetch(file)) == "bar ");
    (void)server.asked();
    file.url = server.parsed("/elsewhere/foo-1.0-py3-none-any.whl");
    CHECK(requirements(fetch(file)) == "bar ");
    CHECK(server.asked().empty());
}
