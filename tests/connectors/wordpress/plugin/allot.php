<?php
/**
 * Allots answers of the hub as the plugin does: a list of carts as JSON comes in, what each coupon
 * takes off and what the notes on lines say goes out.  Read by test_random_baskets.py.
 */

use LoyaltyHub\Core\Allotment;
use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Core\Quote;

// phpcs:disable
foreach ( array( 'money', 'line', 'basket', 'quote', 'allotment' ) as $part ) {
	require dirname( __DIR__, 4 ) . '/connectors/wordpress/plugin/loyalty-hub/includes/core/class-' . $part . '.php';
}
$allotted = array();
foreach ( json_decode( stream_get_contents( STDIN ), true ) as $cart ) {
	$lines       = array_map(
		fn( array $line ) => new Line( $line['id'], $line['kind'], Money::read( $line['amount'] ), $line['quantity'], $line['sku'], '', array(), $line['net'] ),
		$cart['lines']
	);
	$basket      = new Basket( $lines, 'RUB', null, null, 'ru' );
	$rates       = array_column( $cart['lines'], 'rate', 'id' );
	$tax         = $cart['gross'] ? null : fn( string $id, int $net ): int => (int) round( $net * $rates[ $id ] / 100 );
	$allotment   = new Allotment( new Quote( $cart['answer'], $basket ), $basket, $tax );
	$allotted[] = array( 'coupons' => (object) $allotment->coupons, 'told' => (object) $allotment->told );
}
echo json_encode( $allotted );
