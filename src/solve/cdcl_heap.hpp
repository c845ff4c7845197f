// Names by how often they took part in recent conflicts (VSIDS): the search asks for the most troublesome one. Internal
// to solve/.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace envbuild::solve {

// A binary heap of small integers with a score each that only grows, until all are scaled down together.
class ActivityHeap {
  public:
    void make_room(int count) {
        score_.resize(static_cast<std::size_t>(count), 0);
        place_.resize(static_cast<std::size_t>(count), -1);
    }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] bool contains(int item) const { return place_[item] >= 0; }

    void insert(int item) {
        if (contains(item)) return;
        place_[item] = static_cast<int>(heap_.size());
        heap_.push_back(item);
        rise(place_[item]);
    }

    int pop() {
        const auto top = heap_.front();
        place_[top] = -1;
        const auto last = heap_.back();
        heap_.pop_back();
        if (!heap_.empty()) {
            heap_.front() = last;
            place_[last] = 0;
            sink(0);
        }
        return top;
    }

    void bump(int item) {
        score_[item] += step_;
        if (score_[item] > 1e100) {
            for (auto& score : score_) score *= 1e-100;
            step_ *= 1e-100;
        }
        if (contains(item)) rise(place_[item]);
    }
    void decay() { step_ /= 0.95; }

  private:
    // Equal scores by number, so that a run can be repeated.
    [[nodiscard]] bool before(int a, int b) const { return score_[a] != score_[b] ? score_[a] > score_[b] : a < b; }
    void swap(int i, int j) {
        std::swap(heap_[i], heap_[j]);
        place_[heap_[i]] = i;
        place_[heap_[j]] = j;
    }
    void rise(int i) {
        while (i > 0 && before(heap_[i], heap_[(i - 1) / 2])) {
            swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
    }
    void sink(int i) {
        const auto size = static_cast<int>(heap_.size());
        while (true) {
            auto best = i;
            for (const auto child : {2 * i + 1, 2 * i + 2}) {
                if (child < size && before(heap_[child], heap_[best])) best = child;
            }
            if (best == i) return;
            swap(i, best);
            i = best;
        }
    }

    std::vector<double> score_;
    std::vector<int> place_, heap_;
    double step_ = 1;
};

}  // namespace envbuild::solve
