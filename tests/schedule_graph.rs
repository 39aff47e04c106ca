//! Tasks that need each other's results.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use common::{Trace, is_cancelled, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::{Graph, GraphError, Node, NodeError};
use wheelhouse::{catch_cancel, current_task, sleep, spawn, time};

/// Adds a node that needs others, takes so long, and notes when it begins and ends.
fn timed(
    graph: &mut Graph,
    trace: &Trace,
    name: &'static str,
    takes: u64,
    needs: &[&Node<()>],
) -> Node<()> {
    let trace = trace.clone();
    let needs: Vec<_> = needs.iter().map(|need| (*need).clone()).collect();
    graph.add(name, needs, async move |_| {
        trace.at(format_args!("{name} begins"));
        let _gone = trace.on_drop(name);
        sleep(ms(takes)).await;
        trace.at(format_args!("{name} ends"));
    })
}

#[test]
fn values_flow_along_the_edges() {
    run(async {
        let mut graph = Graph::new();
        let one = graph.add("one", (), async |()| 1);
        let word = graph.add("word", &one, async |one| format!("<{one}>"));
        let many: Vec<_> =
            (0..3).map(|n| graph.add("n", &one, async move |one| *one + n)).collect();
        let sum = graph.add("sum", many, async |many| many.iter().map(|n| **n).sum::<u64>());
        let all = graph.add("all", (&one, &word, &sum), async |(one, word, sum)| {
            format!("{one} {word} {sum} in {}", current_task().unwrap().name())
        });
        let outcomes = graph.run().await.unwrap();
        assert_eq!(*outcomes.get(&all).unwrap(), "1 <1> 6 in all");
        assert_eq!(outcomes.errors().len(), 0);
    });
}

#[test]
fn a_node_begins_as_soon_as_what_it_needs_is_there() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut graph = Graph::new();
        let a = timed(&mut graph, &t, "a", 10, &[]);
        let b = timed(&mut graph, &t, "b", 20, &[]);
        let c = timed(&mut graph, &t, "c", 5, &[&a]);
        timed(&mut graph, &t, "d", 5, &[&b, &c]);
        graph.run().await.unwrap();
    });
    let lines = trace.take();
    let begins: Vec<_> = lines.iter().filter(|line| line.ends_with("begins")).collect();
    assert_eq!(begins, ["0 a begins", "0 b begins", "10 c begins", "20 d begins"]);
}

#[test]
fn a_failure_skips_what_depends_on_it_and_the_rest_goes_on() {
    run(async {
        let mut graph = Graph::new();
        let broken = graph.try_add("broken", (), async |()| {
            sleep(ms(5)).await;
            "x".parse::<u32>()
        });
        let fine = graph.add("fine", (), async |()| {
            sleep(ms(10)).await;
            2
        });
        let direct = graph.add("direct", (&broken, &fine), async |_| unreachable!("never begun"));
        let indirect = graph.add("indirect", &direct, async |_: Rc<()>| ());
        let apart = graph.add("apart", &fine, async |fine| (*fine * 2, time()));
        let outcomes = graph.run().await.unwrap();
        assert_eq!(*outcomes.get(&apart).unwrap(), (4, ms(10)));
        let Err(NodeError::Failed(error)) = outcomes.get(&broken) else { panic!("it must fail") };
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        for node in [&direct, &indirect] {
            let error = outcomes.get(node).unwrap_err();
            assert_eq!(error.to_string(), "never begun, since `broken` failed");
        }
        let names: Vec<_> = outcomes.errors().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["broken", "direct", "indirect"]);
    });
}

#[test]
fn a_panic_and_a_cancel_are_failures_too() {
    run(async {
        let mut graph = Graph::new();
        let panics = graph.add("panics", (), async |()| -> u32 { panic!("no luck") });
        let after_panic = graph.add("after_panic", &panics, async |_| ());
        let cancels = graph.add("cancels", (), async |()| {
            current_task().unwrap().cancel();
            sleep(ms(1)).await;
        });
        let after_cancel = graph.add("after_cancel", &cancels, async |_| ());
        let outcomes = graph.run().await.unwrap();
        let Err(NodeError::Failed(error)) = outcomes.get(&panics) else { panic!("it must fail") };
        assert!(error.is_failure());
        let Err(NodeError::Failed(error)) = outcomes.get(&cancels) else { panic!("it must fail") };
        assert!(error.is_cancelled());
        assert!(outcomes.get(&after_panic).is_err() && outcomes.get(&after_cancel).is_err());
    });
}

#[test]
fn not_more_than_the_limit_run_at_a_time_and_the_first_added_first() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut graph = Graph::new().limit(2);
        let a = timed(&mut graph, &t, "a", 10, &[]);
        timed(&mut graph, &t, "b", 15, &[&a]);
        timed(&mut graph, &t, "c", 15, &[]);
        timed(&mut graph, &t, "d", 10, &[]);
        graph.run().await.unwrap();
    });
    let lines = trace.take();
    let begins: Vec<_> = lines.iter().filter(|line| line.ends_with("begins")).collect();
    assert_eq!(begins, ["0 a begins", "0 c begins", "10 b begins", "15 d begins"]);
}

#[test]
fn an_order_without_a_value_is_kept() {
    run(async {
        let mut graph = Graph::new();
        let then = graph.add("then", (), async |()| time());
        let first = graph.add("first", (), async |()| sleep(ms(10)).await);
        graph.order(&first, &then);
        assert_eq!(*graph.run().await.unwrap().get(&then).unwrap(), ms(10));
    });
}

#[test]
fn a_cycle_is_an_error_that_names_it_and_nothing_runs() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut graph = Graph::new();
        let before = timed(&mut graph, &t, "before", 0, &[]);
        let a = timed(&mut graph, &t, "a", 0, &[&before]);
        let b = timed(&mut graph, &t, "b", 0, &[&a]);
        let c = timed(&mut graph, &t, "c", 0, &[&b]);
        timed(&mut graph, &t, "after", 0, &[&c]);
        graph.order(&c, &a);
        let error = graph.run().await.unwrap_err();
        let GraphError::Cycle(names) = &error else { panic!("{error}") };
        assert_eq!(names.len(), 3);
        let text = error.to_string();
        let names = text.strip_prefix("the nodes of a graph wait for each other: ").unwrap();
        assert!(
            ["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"].contains(&names),
            "{text}"
        );

        let mut graph = Graph::new();
        let narcissus = timed(&mut graph, &t, "narcissus", 0, &[]);
        graph.order(&narcissus, &narcissus);
        let error = graph.run().await.unwrap_err();
        assert_eq!(error, GraphError::Cycle(vec!["narcissus".into()]));
    });
    trace.expect(&[]);
}

#[test]
fn a_node_of_another_graph_is_an_error() {
    run(async {
        let mut one = Graph::new();
        let stranger = one.add("stranger", (), async |()| 1);
        let mut other = Graph::new();
        let node = other.add("node", &stranger, async |_| ());
        assert_eq!(other.run().await.unwrap_err(), GraphError::OtherGraph("stranger".into()));
        one.order(&stranger, &node);
        let error = one.run().await.unwrap_err();
        assert_eq!(error.to_string(), "node `node` was used in a graph that it does not belong to");
    });
}

#[test]
fn a_cancel_cancels_what_runs_waits_for_it_and_begins_nothing() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut graph = Graph::new();
        let a = timed(&mut graph, &t, "a", 10, &[]);
        timed(&mut graph, &t, "b", 30, &[]);
        timed(&mut graph, &t, "c", 30, &[&a]);
        timed(&mut graph, &t, "d", 30, &[&a]);
        let task = spawn(graph.run());
        sleep(ms(5)).await;
        task.cancel();
        assert!(is_cancelled(task.await));
        t.at("over");
    });
    trace.expect(&["0 a begins", "0 b begins", "a", "b", "5 over"]);
}

#[test]
fn a_cancel_waits_for_the_clean_up_of_what_runs() {
    run(async {
        let mut graph = Graph::new();
        graph.add("careful", (), async |()| {
            if let Err(cancelled) = catch_cancel(sleep(ms(10))).await {
                sleep(ms(7)).await;
                cancelled.resume().await;
            }
        });
        let task = spawn(graph.run());
        sleep(ms(5)).await;
        task.cancel();
        assert!(is_cancelled(task.await));
        assert_eq!(time(), ms(12));
    });
}

#[test]
fn an_abort_takes_the_nodes_with_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut graph = Graph::new();
        timed(&mut graph, &t, "a", 10, &[]);
        let task = spawn(graph.run());
        sleep(ms(5)).await;
        task.abort();
        assert!(is_cancelled(task.await));
        sleep(ms(1)).await;
    });
    trace.expect(&["0 a begins", "a"]);
}

#[test]
fn a_graph_without_nodes_is_done_at_once() {
    run(async { assert_eq!(Graph::new().run().await.unwrap().errors().len(), 0) });
}

/// Random graphs: for each node, which of the earlier ones it needs, how long it takes, and whether it fails.
type Plan = Vec<(BTreeSet<usize>, u64, bool)>;

fn plans() -> impl Strategy<Value = Plan> {
    let node = (
        proptest::collection::btree_set(0..100usize, 0..4),
        0..5u64,
        proptest::bool::weighted(0.1),
    );
    proptest::collection::vec(node, 1..20).prop_map(|nodes| {
        let earlier = |(n, (needs, takes, fails)): (usize, (BTreeSet<usize>, u64, bool))| {
            let needs =
                if n == 0 { BTreeSet::new() } else { needs.iter().map(|need| need % n).collect() };
            (needs, takes, fails)
        };
        nodes.into_iter().enumerate().map(earlier).collect()
    })
}

proptest! {
    #[test]
    fn every_node_runs_after_what_it_needs_unless_that_failed(plan in plans(), limit in 1..5usize) {
        let nodes = plan.clone();
        let (ended, most, failed) = run(async move {
            let ended = Rc::new(RefCell::new(Vec::new()));
            let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let mut graph = Graph::new().limit(limit);
            let mut made: Vec<Node<usize>> = Vec::new();
            for (n, (needs, takes, fails)) in nodes.into_iter().enumerate() {
                let inputs: Vec<_> = needs.iter().map(|need| made[*need].clone()).collect();
                let (ended, running, most) = (Rc::clone(&ended), Rc::clone(&running), Rc::clone(&most));
                made.push(graph.try_add(n.to_string(), inputs, async move |values| {
                    assert!(values.iter().map(|value| **value).eq(needs), "each value from its own node");
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                    sleep(ms(takes)).await;
                    running.set(running.get() - 1);
                    if fails {
                        return Err("failed");
                    }
                    ended.borrow_mut().push(n);
                    Ok(n)
                }));
            }
            let outcomes = graph.run().await.unwrap();
            let failed = made.iter().map(|node| outcomes.get(node).is_err()).collect::<Vec<_>>();
            (ended.take(), most.get(), failed)
        });
        let mut expected = Vec::new();
        for (needs, _, fails) in &plan {
            expected.push(*fails || needs.iter().any(|need| expected[*need]));
        }
        prop_assert_eq!(&failed, &expected);
        prop_assert!(most <= limit);
        for (place, n) in ended.iter().enumerate() {
            prop_assert!(plan[*n].0.iter().all(|need| ended[..place].contains(need)));
        }
    }

    /// An edge backwards makes a circle exactly if the later node depends on the earlier one.
    #[test]
    fn a_circle_is_found_and_is_one(plan in plans(), from in 0..100usize, to in 0..100usize) {
        let (from, to) = (from % plan.len(), to % plan.len());
        let mut needs: Vec<_> = plan.iter().map(|(needs, ..)| needs.clone()).collect();
        let found = run(async move {
            let mut graph = Graph::new();
            let mut made: Vec<Node<()>> = Vec::new();
            for (n, (needs, ..)) in plan.into_iter().enumerate() {
                let inputs: Vec<_> = needs.iter().map(|need| made[*need].clone()).collect();
                made.push(graph.add(n.to_string(), inputs, async |_| ()));
            }
            graph.order(&made[from], &made[to]);
            graph.run().await.map(drop)
        });
        let reaches = |needs: &[BTreeSet<usize>], start: usize, goal: usize| {
            let mut seen = BTreeSet::from([start]);
            let mut left = vec![start];
            while let Some(n) = left.pop() {
                left.extend(needs[n].iter().filter(|need| seen.insert(**need)));
            }
            seen.contains(&goal)
        };
        let circle = reaches(&needs, from, to);
        needs[to].insert(from);
        match found {
            Ok(()) => prop_assert!(!circle),
            Err(GraphError::Cycle(names)) => {
                prop_assert!(circle);
                let names: Vec<usize> = names.iter().map(|name| name.parse().unwrap()).collect();
                for (place, n) in names.iter().enumerate() {
                    let before = names[(place + names.len() - 1) % names.len()];
                    prop_assert!(needs[*n].contains(&before), "{names:?}");
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
