// Channels whose files break off, are damaged or are made to do harm, read the whole way: from a folder or a server,
// through the cache. Nothing of them is ever taken for a smaller channel.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "conda/repodata_fetcher.hpp"
#include "conda/shard_support.hpp"
#include "conda/sharded_subdir.hpp"
#include "support/fault_server.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

namespace fault = testing::fault;
using Strings = std::vector<std::string>;

std::string record(const std::string& name) {
    return '"' + name + R"(-1.0-0.conda":{"name":")" + name + R"(","version":"1.0","build":"0","depends":["b >=1"]})";
}
const std::string kWhole = R"({"info":{"subdir":"linux-64"},"packages":{},"packages.conda":{)" + record("a") + "," +
                           record("b") + R"(},"removed":["c-1.0-0.conda"],"repodata_version":1})";

// A channel in a folder, as one file of its linux-64.
class Folder {
  public:
    // The kind of the error; nothing where it was read, and then it is what the whole file is.
    std::optional<ErrorKind> fetch(const std::string& file, std::string_view bytes) {
        write_file_atomic(folder_.path() / "ch" / "linux-64" / file, bytes);
        RepoDataFetchSettings settings;
        settings.cache_directory = folder_.path() / "cache";
        settings.refresh = true;
        try {
            const auto fetched =
                RepoDataFetcher(http_, ChannelSettings(), settings, silent_reporter())
                    .fetch({Channel("ch", Url::from_path((folder_.path() / "ch").string()))}, Platform());
            const auto& data = *fetched.front().subdirs.front();
            CHECK(data.names() == Strings{"a", "b"});
            CHECK(data.records("a").size() == 1);
            return std::nullopt;
        } catch (const Error& error) {
            CHECK_THAT(error.to_string(), Catch::Contains("linux-64/" + file));
            return error.kind();
        }
    }

  private:
    TempDir folder_{"bad-bytes"};
    HttpClient http_{HttpSettings(), CancelToken()};
};

// One shard, asked for by its name in an index that a server gives.
class Shards {
  public:
    // `named`: the hash under which the index has it, where it is not the bytes' own.
    Error error_of(const std::string& name, const std::string& bytes, const std::string& named = "") {
        try {
            (void)open(name, bytes, named);
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was taken");
        throw std::logic_error("unreachable");
    }
    std::shared_ptr<const NameRecords> open(const std::string& name, const std::string& bytes,
                                            const std::string& named = "") {
        const testing::FaultServer server(fault::respond(200, bytes));
        ShardIndex index;
        index.shards.emplace(name, named.empty() ? sha256(bytes) : value_or_throw(Digest::from_hex(named)));
        const ShardedSubdir subdir(http_, std::move(index),
                                   {value_or_throw(Url::parse(server.url("/ch/linux-64/index")))},
                                   {"https://host/ch", "linux-64", "the index"}, {folder_.path(), 2ULL << 30});
        (void)subdir.needs(name);
        return subdir.open(name);
    }
    [[nodiscard]] bool kept_any() const {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
            if (entry.is_regular_file()) return true;
        }
        return false;
    }

  private:
    TempDir folder_{"bad-shards"};
    HttpClient http_{HttpSettings(), CancelToken()};
};

std::string shard_of(const std::string& name) {
    return testing::msgpack(R"({"packages":{},"packages.conda":{)" + record(name) + "}}");
}

}  // namespace

TEST_CASE("bad bytes: a repodata that breaks off at any byte is refused in all its forms") {
    for (const auto& [file, bytes] :
         std::vector<std::pair<std::string, std::string>>{{"repodata.json", kWhole},
                                                          {"repodata.json.zst", testing::zstd(kWhole)},
                                                          {"repodata.json.bz2", testing::bzip2(kWhole)}}) {
        Folder folder;
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            INFO(file << " of " << size);
            CHECK(folder.fetch(file, std::string_view(bytes).substr(0, size)) == ErrorKind::Corrupt);
        }
        CHECK(folder.fetch(file, bytes) == std::nullopt);
    }
}

TEST_CASE("bad bytes: a shard that breaks off at any byte is refused, with and without the hash of what is left") {
    Shards shards;
    const auto whole = testing::zstd(shard_of("a")), plain = shard_of("a");
    for (std::size_t size = 0; size < whole.size(); size += size < 8 ? 1 : 5) {
        INFO(size);
        CHECK(shards.error_of("a", whole.substr(0, size)).kind() == ErrorKind::Corrupt);
        const auto other = shards.error_of("a", whole.substr(0, size), sha256(whole).hex());
        CHECK(other.kind() == ErrorKind::Corrupt);
        CHECK_THAT(other.message(), Catch::Contains("the shard a of the index has another sha256"));
    }
    for (std::size_t size = 0; size < plain.size(); size += 5) {
        INFO(size);
        CHECK(shards.error_of("a", testing::zstd(plain.substr(0, size))).kind() == ErrorKind::Corrupt);
    }
    REQUIRE(shards.open("a", whole));
    CHECK(shards.open("a", whole)->heads().size() == 1);
}

TEST_CASE("bad bytes: a shard whose hash is another one's is never kept") {
    Shards shards;
    const auto error = shards.error_of("a", testing::zstd(shard_of("a")), std::string(64, 'b'));
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_FALSE(shards.kept_any());
}

TEST_CASE("bad bytes: a shard of another package") {
    Shards shards;
    const auto error = shards.error_of("a", testing::zstd(shard_of("b")));
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("the shard a of the index holds no record of a, but of b"));
    CHECK_FALSE(error.hint().empty());
    // One without any record is what is left of a package whose files were all removed.
    CHECK(shards.open("a", testing::zstd(testing::msgpack(R"({"packages":{},"packages.conda":{}})"))) == nullptr);
    // Of several names its own is taken.
    const auto both =
        testing::zstd(testing::msgpack(R"({"packages.conda":{)" + record("a") + "," + record("b") + "}}"));
    REQUIRE(shards.open("a", both));
    CHECK(shards.open("a", both)->heads().size() == 1);
}

TEST_CASE("bad bytes: a shard that is much larger than it looks is cut off before it fills the memory") {
    Shards shards;
    const std::string too_large(std::size_t{300} << 20, '\0');
    const auto bomb = testing::zstd(too_large);
    CHECK(bomb.size() < 100'000);
    const auto error = shards.error_of("a", bomb);
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.to_string(), Catch::Contains("larger than") && Catch::Contains("the shard a of the index"));
}

TEST_CASE("bad bytes: texts in a shard that are no UTF-8 refuse it") {
    Shards shards;
    for (const std::string from : {"a-1.0-0.conda", "b >=1", "1.0"}) {
        INFO(from);
        auto bytes = shard_of("a");
        const auto at = bytes.rfind(from);
        REQUIRE(at != std::string::npos);
        bytes[at] = '\xff';
        CHECK(shards.error_of("a", testing::zstd(bytes)).kind() == ErrorKind::Corrupt);
    }
}

TEST_CASE("bad bytes: an index of shards lists only names that packages can have") {
    const std::string digest(64, 'a');
    const auto index =
        decode_shard_index(testing::msgpack(R"({"shards":{"a":")" + digest + R"(","../b":")" + digest +
                                            R"(","c\nd":")" + digest + R"(","":")" + digest + R"(","*":")" + digest +
                                            R"(","e*":")" + digest + R"(","F":")" + digest + "\"}}"),
                           "the index");
    REQUIRE(index.shards.size() == 1);
    CHECK(index.shards.contains("a"));
    auto bytes = testing::msgpack(R"({"shards":{"ab":")" + digest + "\"}}");
    bytes[bytes.rfind("ab")] = '\xff';
    CHECK(decode_shard_index(bytes, "the index").shards.empty());
}

TEST_CASE("bad bytes: an index of another platform's shards is refused") {
    Shards shards;
    HttpClient http{HttpSettings(), CancelToken()};
    const auto open = [&](const std::string& subdir) {
        auto index = decode_shard_index(testing::msgpack(R"({"info":{"subdir":)" + subdir + R"(},"shards":{}})"), "it");
        (void)ShardedSubdir(http, std::move(index), {value_or_throw(Url::parse("http://localhost/ch/linux-64/index"))},
                            {"https://host/ch", "linux-64", "the index"}, {});
    };
    try {
        open(R"("osx-64")");
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::Contains("the index is of osx-64, not of linux-64"));
    }
    open(R"("linux-64")");
    open(R"("")");
    open("7");
    open("null");
}
