#include "solve/unsatisfiable.hpp"

#include "base/strings.hpp"
#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;
using Catch::Contains;

namespace {

Error unsatisfiable(const Request& request, CandidateProvider& provider) {
    try {
        (void)solve::solve(request, provider);
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::Bug, "there is a solution"};
}

Json details(const Error& error) {
    REQUIRE(error.kind() == ErrorKind::Unsatisfiable);
    return value_or_throw(Json::parse(error.details()));
}

// Every line of the tree, in its order.
void collect(const Json& level, std::vector<std::string>& lines) {
    for (const auto& one : level.as_array()) {
        lines.push_back(one["text"].as_string());
        collect(one["children"], lines);
    }
}

}  // namespace

TEST_CASE("an explanation for machines: what conflicts, from what is asked to what it does not fit") {
    auto provider = channel({record("torch-1.13.0-a_0"), record("torch-1.13.1-a_0"), record("torch-1.13.1-b_0"),
                             record("torch-2.0-0"), record("vision-0.14-0", {"torch 1.13.*"}), record("other-1-0")});
    const auto error = unsatisfiable(request({"other", "torch=2.0", "vision=0.14"}), provider);
    CHECK(error.message() ==
          "'torch=2.0' and 'vision=0.14' cannot be had together\n"
          "└─ asked: vision=0.14\n"
          "   └─ vision 0.14=0 needs torch 1.13.*\n"
          "      └─ torch 1.13.0, 1.13.1 (3 builds) do not fit 'torch=2.0', which is asked");

    const auto json = details(error);
    CHECK(json["specs"] == Json(std::vector<std::string>{"torch=2.0", "vision=0.14"}));
    CHECK(json["constraints"] == Json::array());
    CHECK(json["options"] == Json::array());
    REQUIRE(json["tree"].as_array().size() == 1);
    const auto& asked = json["tree"].as_array()[0];
    CHECK(asked["relation"].as_string() == "asked");
    CHECK(asked["package"].as_string() == "vision");
    CHECK(asked["spec"].as_string() == "vision=0.14");
    const auto& needs = asked["children"].as_array().at(0);
    CHECK(needs["relation"].as_string() == "needs");
    CHECK(needs["package"].as_string() == "vision");
    CHECK(needs["versions"] == Json(std::vector<std::string>{"0.14"}));
    CHECK(needs["builds"].as_int() == 1);
    CHECK(needs["spec"].as_string() == "torch 1.13.*");
    const auto& misfit = needs["children"].as_array().at(0);
    CHECK(misfit["relation"].as_string() == "does_not_fit");
    CHECK(misfit["package"].as_string() == "torch");
    CHECK(misfit["versions"] == Json(std::vector<std::string>{"1.13.0", "1.13.1"}));
    CHECK(misfit["ranges"] == Json(std::vector<std::string>{">=1.13.0,<=1.13.1"}));
    CHECK(misfit["builds"].as_int() == 3);
    CHECK(misfit["spec"].as_string() == "torch=2.0");
    CHECK(misfit["by"]["relation"].as_string() == "asked");
}

TEST_CASE("an explanation for machines says all that the text says, line by line") {
    auto provider = channel({record("a-1.0-x_0", {"p 1.*", "q 1.*"}), record("a-1.0-y_0", {"p 2.*", "q 2.*"}),
                             record("b-1.0-x_0", {"p 1.*", "q 2.*"}), record("b-1.0-y_0", {"p 2.*", "q 1.*"}),
                             record("p-1.0-0"), record("p-2.0-0"), record("q-1.0-0"), record("q-2.0-0")});
    const auto error = unsatisfiable(request({"a", "b"}), provider);
    const auto json = details(error);
    std::vector<std::string> told{json["summary"].as_string()}, read;
    collect(json["tree"], told);
    for (const auto line : split(error.message(), '\n')) {
        auto text = replace_all(replace_all(replace_all(line, "└─ ", ""), "├─ ", ""), "│", "");
        read.push_back(text.substr(text.find_first_not_of(' ')));
    }
    CHECK(told == read);
    CHECK(json["tree"].as_array().size() == 2);
    CHECK(json["tree"].as_array()[0]["relation"].as_string() == "case");
}

TEST_CASE("an explanation groups versions that stand side by side") {
    std::vector<conda::PackageRecord> records{record("new-1.0-0", {"lib !=1.3,!=1.6"}),
                                              record("old-1.0-0", {"lib 1.3|1.6"})};
    for (int i = 0; i < 10; ++i) records.push_back(record("lib-1." + std::to_string(i) + "-0"));
    auto provider = channel(records);
    CHECK_THAT(
        unsatisfiable(request({"new", "old"}), provider).message(),
        Contains("lib 1.0 to 1.2, 1.4, 1.5, 1.7 to 1.9 (8 builds) do not fit 'lib 1.3|1.6', which is needed by old"));

    PackageGroup group{"lib", {"1.0", "1.1", "1.2", "1.9"}, {{"1.0", "1.2", 3}, {"1.9", "1.9", 1}}, {}, 12};
    CHECK(group.to_string() == "lib 1.0 to 1.2, 1.9 (12 builds)");
    CHECK(group.to_json()["ranges"] == Json(std::vector<std::string>{">=1.0,<=1.2", "==1.9"}));
    group = {"lib", {"1", "3", "5", "7", "9", "11"}, {}, {}, 6};
    for (const auto& version : group.versions) group.ranges.push_back({version, version, 1});
    CHECK(group.to_string() == "lib 6 versions from 1 to 11 (6 builds)");
}

TEST_CASE("an explanation leads from what is asked to each side of a conflict over a shared dependency") {
    auto provider = channel({record("a-1.0-0", {"mid"}), record("mid-1.0-0", {"base <2"}),
                             record("b-1.0-0", {"between"}), record("between-1.0-0", {"last"}),
                             record("last-1.0-0", {"base >=2"}), record("base-1.0-0"), record("base-2.0-0")});
    const auto error = unsatisfiable(request({"a", "b"}), provider);
    CHECK(error.message() ==
          "'a' and 'b' cannot be had together\n"
          "└─ asked: a\n"
          "   └─ a 1.0=0 needs mid\n"
          "      └─ mid 1.0=0 needs base <2\n"
          "         └─ base 1.0=0 does not fit 'base >=2', which is needed by last 1.0=0, for b by way of between");
    const auto json = details(error);
    const auto* node = &json["tree"].as_array().at(0);
    while (!(*node)["children"].as_array().empty()) node = &(*node)["children"].as_array().at(0);
    CHECK((*node)["by"]["relation"].as_string() == "needs");
    CHECK((*node)["by"]["package"].as_string() == "last");
    CHECK((*node)["by"]["through"] == Json(std::vector<std::string>{"b", "between"}));
}

TEST_CASE("an explanation for machines: pins, options, virtual packages and what can be done") {
    SECTION("a pin") {
        auto provider = channel({record("lib-1.0-0"), record("lib-2.0-0")});
        auto asked = request({"lib >=2"});
        asked.constraints = pins({"lib <2"}, "--pin");
        const auto json = details(unsatisfiable(asked, provider));
        CHECK(json["constraints"] == Json(std::vector<std::string>{"lib <2"}));
        const auto& out = json["tree"].as_array().at(0)["children"].as_array().at(0);
        CHECK(out["relation"].as_string() == "excluded");
        CHECK(out["code"].as_string() == "constraint");
        CHECK(out["constraints"] == Json(std::vector<std::string>{"lib <2"}));
        CHECK(json["origins"]["lib <2"].as_string() == "--pin");
        CHECK(out["origins"]["lib <2"].as_string() == "--pin");
    }
    SECTION("--gpu") {
        auto provider = channel({record("torch-1.0-cpu_0"), record("torch-1.0-cuda_0"), record("torch-2.0-cpu_0")});
        auto asked = request({"torch=2"});
        asked.gpu = true;
        const auto error = unsatisfiable(asked, provider);
        const auto json = details(error);
        CHECK(json["options"] == Json(std::vector<std::string>{"--gpu"}));
        const auto& children = json["tree"].as_array().at(0)["children"].as_array();
        REQUIRE(children.size() == 2);
        CHECK(children[0]["code"].as_string() == "cpu_build");
        CHECK(children[1]["relation"].as_string() == "available");
        CHECK(children[1]["versions"] == Json(std::vector<std::string>{"1.0"}));
        CHECK(json["advice"].as_array().size() == 1);
        CHECK(error.hint() == json["advice"].as_array()[0].as_string());
    }
    SECTION("what the target lacks") {
        auto provider = channel({record("torch-2.0-cuda_0", {"__cuda >=11.8"})});
        const auto json = details(unsatisfiable(request({"torch"}), provider));
        const auto& needs = json["tree"].as_array().at(0)["children"].as_array().at(0);
        CHECK(needs["spec"].as_string() == "__cuda >=11.8");
        CHECK(needs["children"].as_array().at(0)["code"].as_string() == "target");
    }
    SECTION("names and versions that are not there") {
        auto provider = channel({record("numpy-1.0-0")});
        const auto code = [&](const char* spec) {
            const auto json = details(unsatisfiable(request({spec}), provider));
            return json["tree"].as_array().at(0)["children"].as_array().at(0)["code"].as_string();
        };
        CHECK(code("nunpy") == "no_such_name");
        CHECK(code("numpy >=2") == "no_such_version");
    }
}
