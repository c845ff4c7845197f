#include "solve/records_support.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;
using Catch::Contains;

TEST_CASE("unsatisfiable: a name that no channel has") {
    auto provider = channel({record("numpy-1.0-0")});
    const auto text = why_not(request({"nunpy"}), provider);
    CHECK_THAT(text, Contains("'nunpy' cannot be installed"));
    CHECK_THAT(text, Contains("no channel has a package of this name"));
    CHECK_THAT(text, Contains("did you mean numpy?"));
}

TEST_CASE("unsatisfiable: a version that does not exist") {
    auto provider = channel({record("numpy-1.25-0"), record("numpy-1.26-0")});
    const auto text = why_not(request({"numpy >=2"}), provider);
    CHECK_THAT(text, Contains("'numpy >=2' cannot be installed"));
    CHECK_THAT(text, Contains("there is only numpy 1.25, 1.26"));
}

TEST_CASE("unsatisfiable: a version that is written in two ways is told in each, once") {
    auto provider = channel({record("lib-1.0-0"), record("lib-1.00-0"), record("lib-1.0-1"), record("lib-1.00-1")});
    CHECK_THAT(why_not(request({"lib >=2"}), provider), Catch::EndsWith("there is only lib 1.0, 1.00"));
}

TEST_CASE("unsatisfiable: two specs, and only those are named") {
    auto provider = channel({record("torch-1.13-0"), record("torch-2.0-0"), record("vision-0.14-0", {"torch 1.13.*"}),
                             record("vision-0.15-0", {"torch 2.0.*"}), record("unrelated-1.0-0")});
    const auto text = why_not(request({"unrelated", "torch=2.0", "vision=0.14"}), provider);
    CHECK_THAT(text, Contains("'torch=2.0' and 'vision=0.14' cannot be had together"));
    CHECK_THAT(text, Contains("vision 0.14=0 needs torch 1.13.*"));
    CHECK_THAT(text, Contains("torch 1.13=0 does not fit 'torch=2.0', which is asked"));
    CHECK_THAT(text, !Contains("unrelated"));
}

TEST_CASE("unsatisfiable: a conflict over what both need") {
    auto provider = channel({record("a-1.0-0", {"mid"}), record("mid-1.0-0", {"base <2"}),
                             record("b-1.0-0", {"base >=2"}), record("base-1.0-0"), record("base-2.0-0")});
    const auto text = why_not(request({"a", "b"}), provider);
    CHECK_THAT(text, Contains("'a' and 'b' cannot be had together"));
    CHECK_THAT(text, Contains("base <2"));
    CHECK_THAT(text, Contains("base >=2"));
}

TEST_CASE("unsatisfiable: what only search finds is followed way by way") {
    auto provider = channel({record("a-1.0-x_0", {"p 1.*", "q 1.*"}), record("a-1.0-y_0", {"p 2.*", "q 2.*"}),
                             record("b-1.0-x_0", {"p 1.*", "q 2.*"}), record("b-1.0-y_0", {"p 2.*", "q 1.*"}),
                             record("p-1.0-0"), record("p-2.0-0"), record("q-1.0-0"), record("q-2.0-0")});
    const auto text = why_not(request({"a", "b"}), provider);
    CHECK_THAT(text, Contains("'a' and 'b' cannot be had together"));
    CHECK_THAT(text, Contains("with a 1.0=x_0:"));
    CHECK_THAT(text, Contains("with a 1.0=y_0:"));
}

TEST_CASE("unsatisfiable: a pin is named") {
    auto provider = channel({record("lib-1.0-0"), record("lib-2.0-0")});
    auto asked = request({"lib >=2"});
    asked.constraints = pins({"lib <2"});
    CHECK_THAT(why_not(asked, provider), Contains("'lib >=2' and the constraint 'lib <2' cannot be had together"));
}

TEST_CASE("unsatisfiable: of what stands against a pin, the name that is pinned is told") {
    auto provider = channel(
        {record("app-1.0-0", {"lib 2.*"}), record("lib-1.0-0"), record("lib-2.0-0"), record("zed-1.0-0", {"lib 2.*"})});
    auto asked = request({"app", "lib 2.*", "zed"});
    asked.constraints = pins({"lib 1.*"});
    CHECK_THAT(why_not(asked, provider), Catch::StartsWith("'lib 2.*' and the constraint 'lib 1.*'"));
}

TEST_CASE("unsatisfiable: a pin is told with the place that it is written at") {
    auto provider = channel({record("app-1.0-0", {"lib >=2"}), record("lib-1.0-0"), record("lib-2.0-0")});
    auto asked = request({"app"});
    asked.constraints = pins({"lib <2"}, "/home/me/.condarc");
    CHECK(why_not(asked, provider) ==
          "'app' and the pin 'lib <2' (/home/me/.condarc) cannot be had together\n"
          "└─ asked: app\n"
          "   └─ app 1.0=0 needs lib >=2\n"
          "      └─ lib 2.0=0 does not fit the pin 'lib <2' (/home/me/.condarc)\n"
          "  --no-pin leaves out the pins of /home/me/.condarc");
}

TEST_CASE("unsatisfiable: a virtual package that the target lacks, and what to do") {
    auto provider = channel({record("torch-2.0-cuda_0", {"__cuda >=11.8"}), record("new-1.0-0", {"__glibc >=2.34"})});
    SECTION("no CUDA") {
        const auto text = why_not(request({"torch"}), provider);
        CHECK_THAT(text, Contains("torch 2.0=cuda_0 needs __cuda >=11.8"));
        CHECK_THAT(text, Contains("the target has no CUDA"));
        CHECK_THAT(text, Contains("--gpu"));
        CHECK_THAT(text, Contains("--target-cuda"));
    }
    SECTION("an older CUDA") {
        auto asked = request({"torch"});
        asked.virtual_packages = *virtual_records({{"__cuda", "11.2"}});
        CHECK_THAT(why_not(asked, provider), Contains("the target has CUDA 11.2"));
    }
    SECTION("an older glibc") {
        auto asked = request({"new"});
        asked.virtual_packages = *virtual_records({{"__glibc", "2.28"}});
        const auto text = why_not(asked, provider);
        CHECK_THAT(text, Contains("the base image has glibc 2.28"));
        CHECK_THAT(text, Contains("--base"));
    }
}

TEST_CASE("unsatisfiable: what strict priority hides is told") {
    auto provider =
        channels({{"first", {record("lib-1.0-0")}}, {"second", {record("lib-2.0-0")}}}, ChannelPriority::Strict);
    const auto text = why_not(request({"lib >=2"}), provider);
    CHECK_THAT(text, Contains("lib-2.0-0 in https://channel.test/second is hidden by channel priority"));
    CHECK_THAT(text, Contains("https://channel.test/second::lib >=2"));
}

TEST_CASE("unsatisfiable: what another channel has than the one that is asked is told, and that channel not advised") {
    for (const auto priority : {ChannelPriority::Strict, ChannelPriority::Disabled}) {
        auto provider = channels({{"first", {record("lib-1.0-0")}}, {"second", {record("lib-2.0-0")}}}, priority);
        const auto text = why_not(request({"first::lib >=2"}), provider);
        CHECK_THAT(text,
                   Contains("lib-2.0-0 is in https://channel.test/second, which is not the channel that is asked"));
        CHECK_THAT(text, !Contains("priority") && !Contains("write "));
    }
}

TEST_CASE("unsatisfiable: a spec that takes a name from a channel is named where others need it from another") {
    auto provider = channels({{"first", {record("lib-2.0-0"), record("app-1.0-0", {"lib >=2"})}},
                              {"second", {record("lib-1.0-0"), record("more-1.0-0")}}},
                             ChannelPriority::Disabled);
    const auto text = why_not(request({"app", "second::lib", "second::more"}), provider);
    CHECK_THAT(text, Catch::StartsWith("'app' and 'second::lib' cannot be had together"));
    CHECK_THAT(why_not(request({"second::more", "app >=2"}), provider), Catch::StartsWith("'app >=2' cannot be"));
}

TEST_CASE("unsatisfiable: another target is advised only where it would help") {
    auto provider = channel({record("torch-2.0-cuda_0", {"__cuda"}), record("torch-2.0-cpu_0"),
                             record("torch-2.1-cpu_0"), record("vision-1.0-a_0", {"torch 2.0.*"})});
    const auto text = why_not(request({"vision", "torch=2.1"}), provider);
    CHECK_THAT(text, Contains("'torch=2.1' and 'vision' cannot be had together"));
    CHECK_THAT(text, !Contains("--target-cuda"));
}
