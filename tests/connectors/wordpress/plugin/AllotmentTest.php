<?php

use LoyaltyHub\Core\Allotment;
use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Core\Quote;
use PHPUnit\Framework\TestCase;

/**
 * The carts of `vectors.json`, shared with the hub's connector.
 */
final class AllotmentTest extends TestCase {

	public static function carts(): iterable {
		$vectors = json_decode( file_get_contents( dirname( __DIR__ ) . '/vectors.json' ), true );
		foreach ( $vectors['carts'] as $cart ) {
			yield $cart['title'] => array( $cart );
		}
	}

	/**
	 * @dataProvider carts
	 */
	public function test_the_answers_kopecks_are_those_of_the_coupons( array $cart ): void {
		$basket    = self::basket( $cart );
		$rates     = array_column( $cart['lines'], 'rate', 'id' );
		$tax       = $cart['prices_include_tax'] ? null : fn( string $id, int $net ): int => (int) round( $net * $rates[ $id ] / 100 );
		$allotment = new Allotment( new Quote( $cart['answer'], $basket ), $basket, $tax );

		$coupons = array_map( fn( array $off ) => array_map( array( Money::class, 'write' ), $off ), $allotment->coupons );
		$this->assertEquals( $cart['coupons'], $coupons );
		$told = array_map( fn( array $one ) => array( Money::write( $one['discount'] ), Money::write( $one['spend'] ) ), $allotment->told );
		$this->assertEquals( $cart['told'], $told );
	}

	public function test_without_tax_a_buyer_never_pays_more_than_was_told_and_at_most_a_kopeck_less(): void {
		foreach ( array( 0, 10, 20, 22 ) as $rate ) {
			$tax = fn( string $id, int $net ): int => (int) round( $net * $rate / 100 );
			for ( $payable = 0; $payable <= 1220; ++$payable ) {
				$amount    = 1000 + $tax( 'a', 1000 );
				$payable   = min( $payable, $amount );
				$basket    = new Basket( array( new Line( 'a', 'goods', $amount, '1', null, '', array(), 1000 ) ), 'RUB', null, null, 'ru' );
				$allotment = new Allotment( new Quote( self::answer( $amount - $payable, $payable ), $basket ), $basket, $tax );
				$left      = 1000 - array_sum( array_column( $allotment->coupons, 'a' ) );
				$this->assertContains( $payable - $left - $tax( 'a', $left ), array( 0, 1 ), "$rate %, $payable" );
				if ( $payable === $amount ) {
					break;
				}
			}
		}
	}

	private static function answer( int $discount, int $payable ): array {
		$sums = array_map( array( Money::class, 'write' ), array( 'discount' => $discount, 'spend' => 0, 'payable' => $payable ) );
		return array(
			'lines'  => array( array( 'id' => 'a' ) + $sums ),
			'totals' => $sums,
			'points' => array_fill_keys( array( 'earn', 'spend', 'spend_min', 'spend_max', 'spend_step' ), '0.00' ),
		);
	}

	private static function basket( array $cart ): Basket {
		$lines = array_map(
			fn( array $line ) => new Line( $line['id'], $line['kind'], Money::read( $line['amount'] ), $line['quantity'], $line['sku'], '', array(), isset( $line['net'] ) ? Money::read( $line['net'] ) : null ),
			$cart['lines']
		);
		return new Basket( $lines, 'RUB', null, null, 'ru' );
	}
}
