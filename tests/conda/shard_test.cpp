#include "conda/shard.hpp"

#include <catch2/catch.hpp>

#include "conda/repodata.hpp"
#include "conda/shard_support.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using testing::msgpack;

namespace {

const RepoData::Origin kOrigin = {"https://host/ch", "linux-64", "the shard"};
const std::string kDigest(64, 'a');

std::string shard(const std::string& extra = "") {
    return R"({"packages":{"numpy-1.0-0.tar.bz2":{"name":"numpy","version":"1.0","build":"0","build_number":0,
        "depends":["python >=3.8","libblas >=3.9,<4.0a0"],"sha256":")" +
           kDigest + R"(","md5":")" + kDigest.substr(32) +
           R"(","size":12,"timestamp":1600000000000,"constrains":["scipy <1"]}},
        "packages.conda":{"numpy-1.1-0.conda":{"name":"numpy","version":"1.1","build":"0","build_number":-0,
        "depends":["python","__glibc >=2.17","conda-forge::zlib"],"noarch":null,"track_features":["x"]},
        "numpy-0.9-0.conda":{"name":"numpy","version":"0.9","build":"0","depends":[]}},
        "removed":["numpy-0.9-0.conda"])" +
           extra + "}";
}

Error error_of_index(const std::string& bytes) {
    try {
        (void)decode_shard_index(bytes, "the index");
    } catch (const Error& error) {
        return error;
    }
    FAIL("it was taken");
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("a shard is a repodata of one name") {
    const auto decoded = decode_shard(msgpack(shard(R"(,"unknown":{"a":[1,2.5,true,null]})")), "", "it");
    CHECK(decoded.needs == std::vector<std::string>{"__glibc", "libblas", "python", "zlib"});
    const auto data = RepoData::from_bytes(decoded.repodata, kOrigin);
    const auto records = data->records("numpy");
    REQUIRE(records.size() == 2);
    CHECK(records[0].sha256->hex() == kDigest);
    CHECK(records[0].md5 == kDigest.substr(32));
    CHECK(records[0].depends.size() == 2);
    CHECK(records[0].constrains == std::vector<std::string>{"scipy <1"});
    CHECK(records[0].timestamp == 1600000000000);
    CHECK(records[1].file_name == "numpy-1.1-0.conda");
    CHECK(records[1].url.to_string() == "https://host/ch/linux-64/numpy-1.1-0.conda");
    const auto moved = decode_shard(msgpack(shard()), "https://cdn.example/x/", "it");
    CHECK(RepoData::from_bytes(moved.repodata, kOrigin)->records("numpy")[1].url.to_string() ==
          "https://cdn.example/x/numpy-1.1-0.conda");
}

TEST_CASE("an index of shards names where they are") {
    const auto index = decode_shard_index(
        msgpack(R"({"version":1,"info":{"base_url":"./","shards_base_url":"s/","new":1},"shards":{"numpy":")" +
                kDigest + R"("}})"),
        "the index");
    CHECK(index.shards_base_url == "s/");
    CHECK(index.base_url == "./");
    CHECK(index.shards.at("numpy").hex() == kDigest);
}

TEST_CASE("what is no index of shards is Corrupt, cut at any byte") {
    for (const std::string json :
         {R"({"version":2,"shards":{}})", R"({"version":1})", R"([1])", R"({"shards":[]})",
          R"({"shards":{"a":"abcd"}})", R"({"shards":{"a":1}})", R"({"shards":{"a":{"b":"c"}}})"}) {
        INFO(json);
        const auto error = error_of_index(msgpack(json));
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::StartsWith("the index "));
    }
    const auto whole = msgpack(R"({"shards":{"numpy":")" + kDigest + R"("}})");
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(error_of_index(whole.substr(0, size)).kind() == ErrorKind::Corrupt);
    CHECK(error_of_index(whole + whole).kind() == ErrorKind::Corrupt);
    CHECK(error_of_index(R"({"version":1})").kind() == ErrorKind::Corrupt);
    // Deeper than anything that is served.
    CHECK(error_of_index(std::string(100000, '\x91')).kind() == ErrorKind::Corrupt);
    CHECK(error_of_index("\xdd\xff\xff\xff\xff").kind() == ErrorKind::Corrupt);
}

TEST_CASE("a damaged shard is Corrupt or loses records, and never more") {
    const auto whole = msgpack(shard());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x21);
        for (const auto& bytes : {damaged, whole.substr(0, at)}) {
            try {
                const auto data = RepoData::from_bytes(decode_shard(bytes, "", "it").repodata, kOrigin);
                const auto records = data->records("numpy");
                CHECK(records.size() <= 3);
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::Corrupt);
            }
        }
    }
}
