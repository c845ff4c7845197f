#include "conda/repodata.hpp"

#include <atomic>
#include <map>
#include <thread>

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "conda/match_spec.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

const RepoData::Origin kOrigin = {"https://host/ch", "linux-64", "https://host/ch/linux-64/repodata.json"};

std::shared_ptr<const RepoData> sample() {
    return RepoData::load(std::string(ENVBUILD_SOURCE_DIR) + "/tests/conda/data/repodata.json", kOrigin);
}

std::vector<std::string> files(const RepoData& data, std::string_view name) {
    std::vector<std::string> out;
    for (const PackageRecord& record : data.records(name)) out.push_back(record.file_name);
    return out;
}

Error refusal(std::string bytes) {
    try {
        (void)RepoData::from_bytes(std::move(bytes), kOrigin);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::StartsWith(kOrigin.shown));
        return error;
    }
    FAIL("it was taken");
    throw std::logic_error("unreachable");
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a repodata gives its names and their records") {
    const auto data = sample();
    CHECK(data->names() == Strings{"_libgcc_mutex", "broken", "nohash", "numpy", "odd-name", "onlyold", "tzdata"});
    CHECK(data->has("numpy"));
    CHECK_FALSE(data->has("num"));
    CHECK(data->records("absent").empty());
    CHECK(data->base_url().to_string() == "https://host/ch/linux-64");

    const auto records = data->records("numpy");
    REQUIRE(records.size() == 2);
    const PackageRecord& numpy = records.back();
    CHECK(numpy.name == "numpy");
    CHECK(numpy.version.to_string() == "1.26.0");
    CHECK(numpy.build == "py311h64a7726_0");
    CHECK(numpy.build_number == 0);
    CHECK(numpy.subdir == "linux-64");
    CHECK(numpy.channel == "https://host/ch");
    CHECK(numpy.file_name == "numpy-1.26.0-py311h64a7726_0.conda");
    CHECK(numpy.url.to_string() == "https://host/ch/linux-64/numpy-1.26.0-py311h64a7726_0.conda");
    REQUIRE(numpy.sha256);
    CHECK(numpy.sha256->hex() == "0aab5cef67cc2a1cd584f6e9cc6f2065c7a28c142d7defcb8096e8f719d9b3bf");
    CHECK(numpy.md5 == "bf16a9f625126e378302f08e7ed67517");
    CHECK(numpy.size == 8039946);
    CHECK(numpy.timestamp == 1694920141000);
    CHECK(numpy.depends == Strings{"libblas >=3.9.0,<4.0a0", "python >=3.11,<3.12.0a0"});
    CHECK(numpy.constrains == Strings{"numpy-base <0a0"});
    CHECK(numpy.license == "BSD-3-Clause");
    CHECK(numpy.license_family == "BSD");
    CHECK(numpy.noarch == Noarch::None);
    CHECK(numpy.track_features == Strings{"mkl", "debug"});
    CHECK(numpy.dist_name() == "numpy-1.26.0-py311h64a7726_0");
}

TEST_CASE("the .conda is preferred, removed files are left out") {
    const auto data = sample();
    CHECK(files(*data, "numpy") ==
          Strings{"numpy-1.25.2-py311h64a7726_0.tar.bz2", "numpy-1.26.0-py311h64a7726_0.conda"});
    CHECK(files(*data, "_libgcc_mutex") == Strings{"_libgcc_mutex-0.1-conda_forge.tar.bz2"});
    CHECK(files(*data, "onlyold").empty());
}

TEST_CASE("odd records are read as far as they can be") {
    const auto data = sample();
    const auto tzdata = data->records("tzdata");
    REQUIRE(tzdata.size() == 1);
    CHECK(tzdata.front().noarch == Noarch::Generic);
    CHECK(tzdata.front().timestamp == 1600000000000);  // seconds in the file
    CHECK(tzdata.front().depends.empty());
    const auto nohash = data->records("nohash");
    REQUIRE(nohash.size() == 1);
    CHECK_FALSE(nohash.front().sha256);
    CHECK(nohash.front().noarch == Noarch::Python);
    CHECK(nohash.front().python_site_packages_path == "lib/python3.13t/site-packages");
    // The record's name counts, not the file's.
    CHECK(files(*data, "odd-name") == Strings{"odd_name-1.0-0.tar.bz2"});
}

TEST_CASE("broken records are left out, counted and told") {
    const auto data = sample();
    CHECK(files(*data, "broken") == Strings{"broken-1.0-0.tar.bz2"});
    const auto broken = data->open("broken");
    CHECK(broken->left_out().count == 4);
    CHECK_THAT(broken->left_out().first, Catch::StartsWith("broken-1.0-1.tar.bz2: "));
    std::vector<std::size_t> unreadable;
    for (std::size_t place = 0; place < broken->heads().size(); ++place) {
        if (!broken->read(place)) unreadable.push_back(place);
    }
    CHECK(unreadable.size() == 3);
}

TEST_CASE("a revoked record is not there") {
    const auto data = RepoData::from_bytes(
        R"({"packages.conda":{
            "a-1.0-0.conda":{"name":"a","version":"1.0","build":"0","build_number":0,"depends":[]},
            "a-2.0-0.conda":{"name":"a","version":"2.0","build":"0","build_number":0,"depends":[],"revoked":true},
            "a-3.0-0.conda":{"name":"a","version":"3.0","build":"0","build_number":0,"depends":[],"revoked":false}}})",
        kOrigin);
    CHECK(files(*data, "a") == Strings{"a-1.0-0.conda", "a-3.0-0.conda"});
    CHECK(data->open("a")->left_out().count == 0);
}

TEST_CASE("heads say of records what orders them, and stay") {
    auto data = sample();
    const auto opened = data->open("numpy");
    REQUIRE(opened);
    data.reset();
    REQUIRE(opened->heads().size() == 2);
    const auto& head = opened->heads()[1];
    CHECK(head.version->to_string() == "1.26.0");
    CHECK(head.build == "py311h64a7726_0");
    CHECK(head.file_name == "numpy-1.26.0-py311h64a7726_0.conda");
    CHECK(head.timestamp == 1694920141000);
    CHECK(head.track_features == 2);
    CHECK(head.has_sha256);
    CHECK(opened->channel() == "https://host/ch");
    CHECK(opened->may_hold(1, "numpy-base"));
    CHECK_FALSE(opened->may_hold(1, "cuda"));
    const auto whole = opened->read(1);
    REQUIRE(whole);
    CHECK(whole->constrains == Strings{"numpy-base <0a0"});
    CHECK(sample()->open("absent") == nullptr);
}

TEST_CASE("an escape in a head is read, and hides nothing from may_hold") {
    const auto data = RepoData::from_bytes(
        R"({"packages":{"a-1.0-x_0.conda":{"name":"a","version":"1\u002e0","build":"\u0078_0","depends":["c\u0075da"]}}})",
        kOrigin);
    const auto opened = data->open("a");
    REQUIRE(opened);
    REQUIRE(opened->heads().size() == 1);
    CHECK(opened->heads()[0].build == "x_0");
    CHECK(opened->heads()[0].version->to_string() == "1.0");
    CHECK(opened->may_hold(0, "cuda"));
}

TEST_CASE("what is no repodata is refused with the reason and the place") {
    CHECK_THAT(refusal("").message(), Catch::Contains("is empty"));
    CHECK_THAT(refusal("  \n").message(), Catch::Contains("is empty"));
    CHECK_THAT(refusal("<!DOCTYPE html><html>").message(), Catch::Contains("HTML"));
    CHECK_THAT(refusal("[]").message(), Catch::Contains("not a JSON object"));
    CHECK_THAT(refusal("{}").message(), Catch::Contains("packages"));
    CHECK_THAT(refusal(R"({"a":1})").message(), Catch::Contains("packages"));
    CHECK_THAT(refusal(R"({"packages":[]})").message(), Catch::Contains("not an object"));
    CHECK_THAT(refusal(R"({"packages":{}} {})").message(), Catch::Contains("behind its end"));
    CHECK_THAT(refusal("hello").message(), Catch::Contains("JSON"));
    CHECK_THAT(refusal(std::string("\0\0\0", 3)).message(), Catch::Contains("JSON"));
    CHECK_THAT(refusal("{\"packages\":{\"\xff\":{}}}").message(), Catch::Contains("JSON"));
}

TEST_CASE("a repodata that was cut off anywhere is refused, or holds what it held") {
    const std::string whole = read_file(std::string(ENVBUILD_SOURCE_DIR) + "/tests/conda/data/repodata.json");
    const std::size_t end = whole.rfind('}');
    for (std::size_t length = 0; length <= end; length += 7) {
        INFO(length);
        (void)refusal(whole.substr(0, length));
    }
}

TEST_CASE("damage inside never does worse than a refusal or a skipped record") {
    const std::string whole = read_file(std::string(ENVBUILD_SOURCE_DIR) + "/tests/conda/data/repodata.json");
    for (std::size_t at = 0; at < whole.size(); at += 3) {
        for (const char byte : {'"', '}', '\0', 'x', '\\'}) {
            std::string damaged = whole;
            damaged[at] = byte;
            try {
                const auto data = RepoData::from_bytes(std::move(damaged), kOrigin);
                for (const auto& name : data->names()) (void)data->records(name);
            } catch (const Error& error) {
                if (error.kind() != ErrorKind::Corrupt) FAIL(error.to_string());
            }
        }
    }
    SUCCEED();
}

TEST_CASE("base_url moves the archives, not the channel") {
    const auto url = [](std::string_view base, const RepoData::Origin& origin = kOrigin) {
        const auto data = RepoData::from_bytes(
            R"({"info":{"subdir":"linux-64","base_url":")" + std::string(base) + R"("},"packages":{},"packages.conda":
            {"a-1!1.0-0.conda":{"name":"a","version":"1!1.0","build":"0","build_number":0}}})",
            origin);
        const auto records = data->records("a");
        REQUIRE(records.size() == 1);
        CHECK(records.front().channel == origin.channel);
        return records.front().url.to_string();
    };
    CHECK(url("https://cdn.org/pkgs/linux-64/") == "https://cdn.org/pkgs/linux-64/a-1!1.0-0.conda");
    CHECK(url("https://user:pw@cdn.org/x") == "https://cdn.org/x/a-1!1.0-0.conda");
    CHECK(url("../files") == "https://host/ch/files/a-1!1.0-0.conda");
    CHECK_THROWS_AS(url("ftp://cdn.org/x"), Error);
    // Files of this machine are a folder's to name, not a server's.
    CHECK_THROWS_AS(url("file:///srv/x"), Error);
    CHECK(url("file:///srv/x", {"file:///srv/ch", "linux-64", "it"}) == "file:///srv/x/a-1!1.0-0.conda");
    CHECK(url("../x", {"file:///srv/ch", "linux-64", "it"}) == "file:///srv/ch/x/a-1!1.0-0.conda");
}

TEST_CASE("a missing file is told apart from a broken one") {
    const TempDir folder("repodata");
    try {
        (void)RepoData::load(folder.path() / "absent.json", kOrigin);
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::NotFound);
    }
    CHECK_THROWS_AS(RepoData::load(folder.path(), kOrigin), Error);
}

TEST_CASE("a file that ends on a page's edge is read as any other") {
    const TempDir folder("repodata");
    std::string text = R"({"packages":{"a-1-0.tar.bz2":{"name":"a","version":"1","build":"0"}}})";
    text.insert(text.size() - 1, 4096 - text.size(), ' ');
    write_file_atomic(folder.path() / "r.json", text);
    CHECK(RepoData::load(folder.path() / "r.json", kOrigin)->records("a").size() == 1);
}

TEST_CASE("several threads may ask one repodata") {
    const auto data = sample();
    std::vector<std::jthread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 50; ++j) {
                if (data->records("numpy").size() != 2 || data->records("broken").size() != 1) ++wrong;
            }
        });
    }
    threads.clear();
    CHECK(wrong == 0);
}

TEST_CASE("an empty repodata has nothing") {
    const auto data = RepoData::empty(kOrigin);
    CHECK(data->names().empty());
    CHECK(data->size() == 0);
    CHECK(data->origin().subdir == "linux-64");
}

TEST_CASE("an index beside the file gives the same records, and only where it is this file's") {
    const TempDir folder("repodata-index");
    const auto file = folder.path() / "r.json";
    const auto index = folder.path() / "r.json.index";
    const std::string text = read_file(std::string(ENVBUILD_SOURCE_DIR) + "/tests/conda/data/repodata.json");
    write_file_atomic(file, text);
    const auto whole = RepoData::load_indexed(file, kOrigin);
    REQUIRE(fs::exists(index));
    const auto bytes = read_file(index);
    std::map<std::string, std::vector<PackageRecord>> expected;
    for (const auto& name : whole->names()) expected[name] = whole->records(name);
    const auto check_same = [&](const RepoData& other) {
        REQUIRE(other.names() == whole->names());
        REQUIRE(other.size() == whole->size());
        REQUIRE(other.base_url() == whole->base_url());
        for (const auto& [name, a] : expected) {
            const auto b = other.records(name);
            REQUIRE(a.size() == b.size());
            for (std::size_t i = 0; i < a.size(); ++i) {
                REQUIRE(a[i].url == b[i].url);
                REQUIRE(a[i].depends == b[i].depends);
                REQUIRE(a[i].sha256 == b[i].sha256);
                REQUIRE(a[i].timestamp == b[i].timestamp);
            }
        }
    };
    check_same(*RepoData::load_indexed(file, kOrigin));
    CHECK(read_file(index) == bytes);

    // Cut off or damaged anywhere: nothing of it is used, and it is made again, at the latest when it is needed.
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        auto damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
        for (const auto& content : {damaged, bytes.substr(0, at)}) {
            INFO(at);
            write_cache_file(index, content);
            check_same(*RepoData::load_indexed(file, kOrigin));
            REQUIRE(read_file(index) == bytes);
        }
    }
    // Damaged where several threads look.
    auto zeros = bytes;
    for (std::size_t at = zeros.size() / 3; at < zeros.size() / 2; ++at) zeros[at] = 0;
    write_cache_file(index, zeros);
    {
        const auto data = RepoData::load_indexed(file, kOrigin);
        std::vector<std::jthread> threads;
        std::atomic<int> wrong = 0;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (const auto& [name, records] : expected)
                    if (data->records(name).size() != records.size()) ++wrong;
            });
        }
        threads.clear();
        CHECK(wrong == 0);
    }
    CHECK(read_file(index) == bytes);
    // Another file under the same name, of the same size.
    auto other = text;
    for (auto at = other.find("numpy"); at != std::string::npos; at = other.find("numpy", at))
        other.replace(at, 5, "nampy");
    REQUIRE(other != text);
    write_file_atomic(file, other);
    const auto changed = RepoData::load_indexed(file, kOrigin);
    CHECK(changed->has("nampy"));
    CHECK_FALSE(changed->has("numpy"));
    // A folder that cannot be written does not stop anybody.
    fs::remove(index);
    fs::create_directory(index);
    CHECK(RepoData::load_indexed(file, kOrigin)->has("nampy"));
}

TEST_CASE("a repodata that says it is of another platform is refused, from its index too") {
    const auto text = [](const std::string& subdir) {
        return R"({"info":{"subdir":)" + subdir + R"(},"packages":{}})";
    };
    CHECK_THAT(refusal(text(R"("osx-64")")).message(), Catch::Contains("is of osx-64, not of linux-64"));
    for (const auto* fine : {R"("linux-64")", R"("noarch")", R"("")", R"("moon-64")", "7", "null"}) {
        INFO(fine);
        CHECK_NOTHROW(RepoData::from_bytes(text(fine), kOrigin));
    }
    // What lies in noarch is used there, as its records are.
    auto noarch = kOrigin;
    noarch.subdir = "noarch";
    CHECK_NOTHROW(RepoData::from_bytes(text(R"("linux-64")"), noarch));

    const TempDir folder("repodata");
    const auto file = folder.path() / "repodata.json";
    write_file_atomic(file, text(R"("linux-64")"));
    CHECK_NOTHROW(RepoData::load_indexed(file, kOrigin));
    REQUIRE(std::filesystem::exists(folder.path() / "repodata.json.index"));
    auto other = kOrigin;
    other.subdir = "linux-aarch64";
    CHECK_THROWS_WITH(RepoData::load_indexed(file, other), Catch::Contains("is of linux-64, not of linux-aarch64"));
}
