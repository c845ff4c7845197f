#include "solve/cdcl_heap.hpp"

#include <algorithm>
#include <random>

using envbuild::solve::ActivityHeap;

TEST_CASE("the most active comes first, equal ones by number") {
    ActivityHeap heap;
    heap.make_room(4);
    for (const auto item : {3, 1, 0, 2}) heap.insert(item);
    heap.bump(2);
    heap.bump(2);
    heap.bump(3);
    CHECK(heap.pop() == 2);
    CHECK_FALSE(heap.contains(2));
    CHECK(heap.pop() == 3);
    CHECK(heap.pop() == 0);
    heap.insert(2);
    CHECK(heap.pop() == 2);
    CHECK(heap.pop() == 1);
    CHECK(heap.empty());
}

TEST_CASE("later activity counts for more") {
    ActivityHeap heap;
    heap.make_room(2);
    heap.insert(0);
    heap.insert(1);
    for (int i = 0; i < 3; ++i) heap.bump(0);
    for (int i = 0; i < 30; ++i) heap.decay();
    heap.bump(1);
    CHECK(heap.pop() == 1);
}

TEST_CASE("the heap keeps its order through thousands of changes, and while scores are scaled down") {
    ActivityHeap heap;
    constexpr int kItems = 50;
    heap.make_room(kItems);
    std::mt19937 random(5);
    std::vector<double> scores(kItems, 0);
    double step = 1;
    for (int round = 0; round < 20000; ++round) {
        const auto item = static_cast<int>(random() % kItems);
        if (random() % 3 != 0) {
            heap.bump(item);
            scores[static_cast<std::size_t>(item)] += step;
        } else {
            heap.insert(item);
        }
        heap.decay();
        step /= 0.95;
        if (step > 1e90) {  // like the heap, at some other time
            for (auto& score : scores) score *= 1e-90;
            step *= 1e-90;
        }
        if (round % 100 != 0 || heap.empty()) continue;
        const auto top = heap.pop();
        for (int other = 0; other < kItems; ++other) {
            if (!heap.contains(other)) continue;
            CHECK(scores[static_cast<std::size_t>(top)] >= scores[static_cast<std::size_t>(other)] * (1 - 1e-9));
        }
    }
}
