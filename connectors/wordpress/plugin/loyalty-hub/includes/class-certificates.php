<?php
/**
 * Gift certificates: they pay the order and lower no price.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Money;

/**
 * What certificates pay comes off the total alone, after tax and delivery, as an advance does: lines
 * and taxes stay as they are.  The codes stay in the buyer's session and in the hub's hold; the
 * order knows the sum.
 */
final class Certificates {

	/**
	 * Meta of an order: what certificates paid.
	 */
	public const PAID = '_loyalty_hub_certificates';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'woocommerce_calculated_total', array( $this, 'pay_cart' ), 1000 );
		add_action( 'woocommerce_order_after_calculate_totals', array( $this, 'pay_order' ), 1000, 2 );
		add_action( 'woocommerce_cart_totals_before_order_total', array( $this, 'show_row' ) );
		add_action( 'woocommerce_review_order_before_order_total', array( $this, 'show_row' ) );
		add_filter( 'woocommerce_get_order_item_totals', array( $this, 'add_row' ), 10, 2 );
	}

	/**
	 * What is left to pay of a cart.
	 *
	 * @param float $total Roubles.
	 * @return float
	 */
	public function pay_cart( $total ) {
		return self::less( $total, Cart::one()->paid_by_certificates() );
	}

	/**
	 * What is left to pay of an order that was calculated anew.
	 *
	 * @param bool      $and_taxes Whether taxes were too.
	 * @param \WC_Order $order     The order, or a refund.
	 */
	public function pay_order( $and_taxes, $order ): void {
		$paid = self::of_order( $order );
		if ( $paid > 0 ) {
			$order->set_total( self::less( $order->get_total( 'edit' ), $paid ) );
		}
	}

	/**
	 * What certificates paid of an order.
	 *
	 * @param \WC_Abstract_Order $order The order.
	 * @return int Kopecks.
	 */
	public static function of_order( $order ): int {
		$told = (string) $order->get_meta( self::PAID );
		return '' === $told ? 0 : max( 0, Money::of_shop( $told ) );
	}

	/**
	 * The row above the total, at cart and checkout.
	 */
	public function show_row(): void {
		$paid = Cart::one()->paid_by_certificates();
		if ( $paid > 0 ) {
			echo '<tr class="loyalty-hub-certificates"><th>' . esc_html( self::title() ) . '</th><td>' . wp_kses_post( wc_price( -$paid / 100 ) ) . '</td></tr>';
		}
	}

	/**
	 * The row above the total, on the order's page and in letters.
	 *
	 * @param array     $rows  By name.
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	public function add_row( $rows, $order ) {
		$paid = self::of_order( $order );
		if ( 0 === $paid ) {
			return $rows;
		}
		$row = array(
			'loyalty_hub_certificates' => array(
				'label' => self::title() . ':',
				'value' => wc_price( -$paid / 100, array( 'currency' => $order->get_currency() ) ),
			),
		);
		$at  = array_search( 'order_total', array_keys( $rows ), true );
		return false === $at ? $rows + $row : array_slice( $rows, 0, $at, true ) + $row + array_slice( $rows, $at, null, true );
	}

	/**
	 * Words.
	 *
	 * @return string
	 */
	public static function title(): string {
		return __( 'Paid with gift certificates', 'loyalty-hub' );
	}

	/**
	 * A sum less another, never below nothing.
	 *
	 * @param float|string $total Roubles.
	 * @param int          $paid  Kopecks.
	 * @return float
	 */
	private static function less( $total, int $paid ) {
		return $paid > 0 ? max( 0, Money::of_shop( $total ) - $paid ) / 100 : $total;
	}
}
